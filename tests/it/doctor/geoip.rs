//! Mistakes about GeoIP files.

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::healthy::{Clinic, geoip_file, now_s, set_mode};
use crate::stand_in::mmdb::{Item, Side, file_built};

#[test]
fn files_that_tell_nothing_are_named() {
    let clinic = Clinic::new();
    let file = clinic.path("place.mmdb");
    let write = |bytes: Vec<u8>| std::fs::write(&file, bytes).expect("a file");
    let nodes = [[Side::Data(0), Side::Data(0)]];
    let built_s = now_s() as u32;

    std::fs::remove_file(&file).expect("removed");
    let fixes = clinic.sees("geoip-missing", "is not there");
    assert!(fixes[0].contains("dbip-city-lite-"), "{fixes:?}");
    write(b"<html>404</html>".to_vec());
    clinic.sees("geoip-damaged", "not a GeoIP database");
    write(geoip_file(now_s() - 200 * 86_400));
    clinic.sees("geoip-old", "is 200 days old");
    let unknown = Item::Map(vec![("land", Item::Text("DE"))]).encode();
    write(file_built(built_s, 4, &nodes, &unknown));
    clinic.sees("geoip-layout", "the names of its fields");
    let number = Item::Map(vec![("asn", Item::Unsigned(64_500))]).encode();
    write(file_built(built_s, 4, &nodes, &number));
    clinic.sees("geoip-no-country", "knows countries");
    write(geoip_file(now_s()));
    set_mode(&file, 0o600);
    clinic.sees_and_mends("geoip-unreadable", "nobody cannot read ");
    // Opening it would wait for a writer, for ever.
    std::fs::remove_file(&file).expect("removed");
    mknodat(CWD, &file, FileType::Fifo, Mode::from(0o644), 0).expect("a FIFO");
    clinic.sees("geoip-damaged", "not a regular file but a FIFO");
}

#[test]
fn a_site_without_files_is_named() {
    let clinic = Clinic::new();
    let config = std::fs::read_to_string(clinic.site.config()).expect("it is there");
    let line = "geoip = [\"place.mmdb\"]";
    std::fs::write(clinic.site.config(), config.replace(line, "")).expect("written");
    let fixes = clinic.sees("geoip-none", "no GeoIP file is configured");
    // The part behind the download, with the file of this test.
    let (_, edit) = fixes[0].rsplit_once(" && sed ").expect("two parts");
    let ours = clinic.path("place.mmdb").display().to_string();
    let edit = edit.replace("/var/lib/GeoIP/dbip-city-lite.mmdb", &ours);
    clinic.apply(&format!("sed {edit}"));
    assert_eq!(clinic.ids(), [""; 0]);
}
