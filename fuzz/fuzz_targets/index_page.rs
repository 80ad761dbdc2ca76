//! Any bytes as the index page of a web server, in HTML or XML and in JSON.
//!
//! The parser gives a value for whatever a mirror sends: it never panics, a name is always one
//! component, and an index cannot have more entries than bytes.
#![no_main]

use heliostat::domain::listing::{IndexForm, PageAddress, read_index};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let page = PageAddress::new("m.example", "/pub/");
    for form in [IndexForm::Markup, IndexForm::Json] {
        let mut entries = 0;
        let _ = read_index(data, form, &page, |_, name| {
            entries += 1;
            assert!(!matches!(name, b"" | b"." | b".."));
            assert!(!name.contains(&b'/') && !name.contains(&0));
        });
        assert!(entries <= data.len());
    }
});
