//! `heliostat null-tree`: a tree without contents, as a real rsync daemon lists it.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::OLD;
use crate::stand_in::site::{TestSite, failure, set_mtime};

fn daemon() -> Rsyncd {
    let daemon = Rsyncd::start();
    for path in ["dist/a b.iso", "dist/ü.rpm", "other/c"] {
        daemon.write(path, &[b'x'; 9000], OLD);
    }
    symlink("a b.iso", daemon.tree().join("dist/latest")).expect("a link");
    symlink("/etc/passwd", daemon.tree().join("dist/out")).expect("a link");
    daemon
}

fn make(site: &TestSite, source: &str, more: &[&str]) -> String {
    let arguments = [&["null-tree", source, "tree"], more].concat();
    let mut command = site.command("heliostat");
    let output = command.args(arguments).current_dir(site.path("")).output();
    let output = output.expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refused(site: &TestSite, source: &str, part: &str) {
    let mut command = site.command("heliostat");
    command
        .args(["null-tree", source, "tree"])
        .current_dir(site.path(""));
    let (code, said) = failure(&command.output().expect("it starts"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(part), "{part}\nis not in\n{said}");
}

#[test]
fn sizes_times_modes_and_links_are_the_mirrors_and_no_room_is_taken() {
    let (site, daemon) = (TestSite::new(), daemon());
    let url = daemon.url("pub/");
    let rehearsed = make(&site, &url, &["-n"]);
    assert_eq!(
        rehearsed,
        "+ dist\n+ dist/a b.iso\n+ dist/latest\n+ dist/ü.rpm\n+ other\n+ other/c\n\
         6 entries: 6 made, 0 removed (--dry-run: nothing is changed)\n"
    );
    assert_eq!(std::fs::read_dir(site.tree()).expect("the tree").count(), 0);
    assert_eq!(make(&site, &url, &[]), "6 entries: 6 made, 0 removed\n");
    let file = std::fs::metadata(site.tree().join("dist/a b.iso")).expect("a file");
    assert_eq!((file.len(), file.mtime()), (9000, OLD as i64));
    assert_eq!(file.blocks(), 0, "it takes no room");
    let original = std::fs::metadata(daemon.tree().join("dist/a b.iso")).expect("a file");
    assert_eq!(file.permissions().mode(), original.permissions().mode());
    let link = std::fs::read_link(site.tree().join("dist/latest")).expect("a link");
    assert_eq!(link, Path::new("a b.iso"));
    assert!(std::fs::symlink_metadata(site.tree().join("dist/out")).is_err());
    assert_eq!(
        make(&site, &url, &["-v"]),
        "6 entries: 0 made, 0 removed\n",
        "twice changes nothing"
    );

    daemon.remove("other/c");
    daemon.write("dist/a b.iso", &[b'y'; 10], OLD + 5);
    daemon.write("new/d", b"d", OLD);
    let said = make(&site, &url, &["-v", "--exclude", "*.rpm"]);
    assert!(
        said.starts_with("+ dist/a b.iso\n+ new\n+ new/d\n- "),
        "{said}"
    );
    assert!(
        said.contains("- other/c\n") && said.contains("- dist/ü.rpm\n"),
        "{said}"
    );
    let file = std::fs::metadata(site.tree().join("dist/a b.iso")).expect("a file");
    assert_eq!((file.len(), file.mtime()), (10, OLD as i64 + 5));
    assert!(!site.tree().join("other/c").exists());
    assert_eq!(make(&site, &url, &["-q"]), "");
    site.run_ok("heliostat-index", &["-q", "--no-hashes"]);
    let dirs = site.run_ok("heliostat", &["dirs"]);
    assert_eq!(dirs, "dist/a b.iso\ndist/ü.rpm\nnew/d\n");
}

#[test]
fn a_directory_without_a_daemon_is_listed_as_well() {
    let (site, daemon) = (TestSite::new(), daemon());
    let source = format!("{}/", daemon.tree().display());
    assert_eq!(make(&site, &source, &[]), "6 entries: 6 made, 0 removed\n");
}

#[test]
fn contents_are_never_touched_and_a_failed_listing_changes_nothing() {
    let (site, daemon) = (TestSite::new(), daemon());
    make(&site, &daemon.url("pub/"), &["-q"]);
    let before = std::fs::metadata(site.tree().join("other/c"))
        .expect("a file")
        .ino();
    refused(&site, &daemon.url("nothing/"), "rsync did not list all of");
    refused(
        &site,
        &daemon.url("pub/no/such/"),
        "rsync did not list all of",
    );
    let after = std::fs::metadata(site.tree().join("other/c"))
        .expect("a file")
        .ino();
    assert_eq!(after, before);
    for (content, name) in [
        (&b"real"[..], "small"),
        (&[b'x'; 20_000], "large"),
        (&[0; 9000], "zeros"),
    ] {
        let file = site.tree().join("dist").join(name);
        std::fs::write(&file, content).expect("written");
        set_mtime(&file, OLD);
        refused(
            &site,
            &daemon.url("pub/"),
            "has contents, so tree is no tree of this command",
        );
        assert_eq!(std::fs::read(&file).expect("a file"), content);
        std::fs::remove_file(&file).expect("removed");
    }
    let empty = site.path("empty");
    std::fs::create_dir(&empty).expect("a folder");
    refused(
        &site,
        &format!("{}/", empty.display()),
        "nothing is listed, and tree would be emptied",
    );
    make(&site, &daemon.url("pub/"), &["-q"]);
}
