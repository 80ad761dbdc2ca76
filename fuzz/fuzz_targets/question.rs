//! Any bytes as the query of a request: a list by name, a product, words of clients, a range.
#![no_main]

use heliostat::domain::count::range::AskedRange;
use heliostat::domain::product::{ProductArguments, ProductLead, ProductTable};
use heliostat::domain::repository::{ListArguments, ListHeading};
use heliostat::http::Query;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let list = ListArguments::parse(data);
    let _ = (list.address(), list.schemes(), list.country_codes());
    assert!(list.countries.len() <= 300 && list.protocols.len() <= 300);
    if let Some(subject) = &list.subject {
        let mut heading = ListHeading::of(subject);
        heading.protocols = list.protocols.clone();
        let mut line = Vec::new();
        heading.line_into(&mut line);
        // A line of a client must not become one of ours.
        assert_eq!(line.iter().filter(|byte| byte.is_ascii_control()).count(), 1);
    }
    let product = ProductArguments::parse(data);
    let table = ProductTable::default();
    let (lead, _) = product.resolve(
        (&Default::default(), &table),
        Default::default(),
        &mut Default::default(),
    );
    assert!(!matches!(lead, ProductLead::File(_) | ProductLead::Handoff(_)));
    let _ = Query::parse(data);
    let _ = AskedRange::parse(data, Some(1 << 40));
});
