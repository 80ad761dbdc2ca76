//! Mistakes about mirrors, and files without one.

use heliostat::db::{mirror, open_writer};

use super::healthy::{Clinic, now_s};

fn run(clinic: &Clinic, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    clinic.site.run_ok("heliostat", &words);
}

#[test]
fn mirrors_that_get_no_clients_are_named() {
    let clinic = Clinic::new();
    run(&clinic, "score fine 0");
    clinic.sees_and_mends("mirror-never-chosen", "its score is 0");
    run(&clinic, "edit fine --set country= --set countryOnly=1");
    clinic.sees_and_mends("mirror-never-chosen", "has no country");
    // As MirrorBrain's databases have it.
    let mut writer = open_writer(&clinic.site.database()).expect("open");
    let mut record = mirror::find(&writer, "fine").expect("it is there");
    record.prefix = "not-a-net/24".to_owned();
    let stored = writer.transaction(|transaction| mirror::update(transaction, &record));
    stored.expect("stored");
    clinic.sees_and_mends("mirror-never-chosen", "is no address prefix");
    run(&clinic, "edit fine --set private=1");
    clinic.sees_and_mends("mirror-never-chosen", "it is private");
    run(&clinic, "edit fine --set statusBaseurl=0");
    let fixes = clinic.sees("mirror-down", "no probe has found it");
    assert!(fixes[0].ends_with(" -b test test fine"), "{fixes:?}");
    clinic.publish("fine", now_s() - 5 * 86_400);
    let fixes = clinic.sees("mirror-stale", "was scanned 5 d");
    assert!(fixes[0].ends_with(" -b test scan fine"), "{fixes:?}");
    clinic.publish("fine", now_s());
    run(&clinic, "edit fine --set baseurl=http://m.example.org/");
    clinic.sees("mirror-without-https", "fine has no https URL");
}

#[test]
fn mirrors_never_scanned_and_disabled_without_a_word_are_named() {
    let clinic = Clinic::new();
    run(&clinic, "new second -H https://s.example.org/ -c fr");
    clinic.sees_and_mends("mirror-disabled", "no comment says why");
    run(&clinic, "enable --alive second");
    clinic.sees("mirror-never-scanned", "second was never scanned");
    run(&clinic, "edit second --set statusBaseurl=0");
    let fixes = clinic.sees("mirror-never-scanned", "second was never scanned");
    assert!(
        fixes[0].ends_with(" -b test scan -e second"),
        "one command finds it answering, too: {fixes:?}"
    );
}

#[test]
fn a_mirror_without_any_url_is_put_aside_by_the_fix() {
    let clinic = Clinic::new();
    run(&clinic, "new bare -H https://b.example.org/ -c fr");
    run(&clinic, "edit bare --set baseurl=");
    clinic.publish("bare", now_s());
    clinic.sees_and_mends("mirror-never-chosen", "it has no base URL");
}

#[test]
fn mirrors_without_https_are_told_once() {
    let clinic = Clinic::new();
    for name in ["one", "two"] {
        let url = format!("http://{name}.example.org/");
        clinic.site.run_ok("heliostat", &["new", name, "-H", &url]);
        clinic.publish(name, now_s());
    }
    let fixes = clinic.sees("mirror-without-https", "2 mirrors have no https URL");
    assert!(
        fixes.len() == 1 && fixes[0].ends_with(" update --https --all-mirrors"),
        "{fixes:?}"
    );
}

#[test]
fn files_without_a_mirror_are_counted() {
    let clinic = Clinic::new();
    clinic.site.write("dir/new.iso", &[8; 6000], 1_500_000_000);
    clinic.site.write("dir/small", b"x", 1_500_000_000);
    clinic
        .site
        .run_ok("heliostat-index", &["-q", "--no-hashes"]);
    let fixes = clinic.sees("files-on-no-mirror", "1 files (0 MB) are on no mirror");
    assert!(
        fixes[0].ends_with(" -b test file ls dir/new.iso"),
        "{fixes:?}"
    );
    std::fs::remove_dir_all(clinic.site.tree().join("dir")).expect("removed");
    clinic
        .site
        .run_ok("heliostat-index", &["-q", "--no-hashes", "--force"]);
    clinic.sees("catalogue-empty", "the catalogue has no files");
}
