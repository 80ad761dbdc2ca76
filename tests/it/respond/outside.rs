//! A file that the web server found outside of the tree is the web server's to deliver.

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::logged_responder::{LoggedResponder, indexed_site};

/// X-Sendfile sends only what lies in the tree (`XSendFilePath`), and a file is never "missing".
#[test]
fn what_lies_outside_of_the_tree_is_left_to_the_error_path() {
    let site = indexed_site();
    std::fs::create_dir(site.path("outside")).expect("a folder");
    std::fs::write(site.path("outside/o.iso"), [2; 20_000]).expect("a file");
    let _running = LoggedResponder::start(&site);
    let ask = |path: &str, file: &str, local: Option<&str>| {
        let mut client = FcgiClient::connect(&site.path("fcgi.sock"));
        let file = site.path(file);
        let mut request =
            Request::get(path).with("HELIOSTAT_FILE", file.as_os_str().as_encoded_bytes());
        if let Some(local) = local {
            request = request.with("HELIOSTAT_LOCAL", local);
        }
        client.send(&request)
    };
    let inside = ask("/al/a.iso", "tree/a.iso", None);
    assert_eq!(inside.status, 200, "{inside:?}");
    assert!(inside.text("X-Sendfile").is_some(), "{inside:?}");
    let outside = ask("/out/o.iso", "outside/o.iso", None);
    assert_eq!(outside.status, 503, "{outside:?}");
    assert_eq!(outside.text("X-Sendfile"), None, "{outside:?}");
    // mod_fcgid serves the file under another path.
    let outside = ask("/out/o.iso", "outside/o.iso", Some("/.heliostat/local"));
    let location = outside.text("Location");
    assert_eq!(
        location.as_deref(),
        Some("/.heliostat/local"),
        "{outside:?}"
    );
    assert_eq!(outside.text("X-Sendfile"), None, "{outside:?}");
}
