//! The configuration file as users meet it.

use heliostat::config;

use crate::stand_in::site::TestSite;

#[test]
fn the_site_of_the_tests_is_a_valid_configuration() {
    let site = TestSite::new();
    let config = config::load(&site.config()).expect("a configuration");
    let only = config.site(None).expect("a site");
    assert_eq!(only.tree, site.tree());
    assert_eq!(only.database, site.database());
}
