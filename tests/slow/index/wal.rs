//! The write-ahead log of the database after a large run.

use crate::stand_in::index_site::INDEX;
use crate::stand_in::site::TestSite;

#[test]
fn a_large_run_leaves_no_large_wal() {
    let site = TestSite::new();
    let component = "x".repeat(200);
    let directory = [component.as_str(); 4].join("/");
    // 12,000 paths of 800 bytes are more than what SQLite would keep.
    for place in 0..12_000 {
        site.write(format!("{directory}/{place}"), b"", 1);
    }
    let line = site.run_ok(INDEX, &[]);
    assert!(line.contains(" files=12000 added=12000 "), "{line}");
    let size = |name| std::fs::metadata(site.path(name)).expect("it").len();
    assert!(size("test.sqlite") > 9_600_000, "{}", size("test.sqlite"));
    assert_eq!(size("test.sqlite-wal"), 0);
}
