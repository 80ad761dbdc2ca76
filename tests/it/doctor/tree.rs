//! Mistakes in the tree, its way, its links; and of the files that programs share.

use std::os::unix::fs::symlink;

use serde_json::Value;

use super::healthy::{Clinic, SERVICE, set_mode};

#[test]
fn a_closed_directory_behind_a_linked_root_is_named() {
    let clinic = Clinic::new();
    let (data, tree) = (clinic.path("data"), clinic.site.tree());
    std::fs::create_dir_all(data.join("inner")).expect("made");
    std::fs::rename(&tree, data.join("inner/tree")).expect("moved");
    symlink(data.join("inner/tree"), &tree).expect("linked");
    set_mode(&data, 0o700);
    set_mode(&data.join("inner"), 0o750);
    let fixes = clinic.sees("way-closed", "nobody cannot enter ");
    assert_eq!(fixes.len(), 4, "two directories, two users: {fixes:?}");
    assert_eq!(fixes[0], format!("chmod o+x {}", data.display()));
    clinic.sees_and_mends("way-closed", "on the way to ");
    set_mode(&data.join("inner/tree"), 0o711);
    clinic.sees_and_mends("way-closed", "cannot read ");
}

#[test]
fn a_tree_written_with_umask_027_is_named_and_opened() {
    let clinic = Clinic::new();
    for directory in 0..12 {
        let path = format!("dir/{directory}/below/file");
        clinic.site.write(&path, b"x", 1_500_000_000);
        let top = clinic.site.tree().join(format!("dir/{directory}"));
        set_mode(&top.join("below/file"), 0o640);
        set_mode(&top.join("below"), 0o750);
        set_mode(&top, 0o750);
    }
    let (found, _) = clinic.findings();
    let what: Vec<&str> = found
        .iter()
        .filter_map(|one| one["what"].as_str())
        .collect();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        what[0].starts_with("nobody and www-data cannot read 24 directories "),
        "{what:?}"
    );
    assert!(
        what[1].starts_with("nobody and www-data cannot read 12 files "),
        "{what:?}"
    );
    for finding in &found {
        let cause = finding["cause"].as_str().expect("text");
        assert!(cause.contains("umask"), "{cause}");
        clinic.apply(finding["fix"].as_str().expect("text"));
    }
    assert_eq!(clinic.ids(), [""; 0]);
}

#[test]
fn what_is_closed_to_one_user_alone_is_told_apart() {
    let clinic = Clinic::new();
    let below = clinic.site.tree().join("dir/two words");
    std::fs::create_dir(&below).expect("made");
    // The group of the web server may, everybody else may not.
    std::os::unix::fs::chown(&below, Some(0), Some(33)).expect("a group");
    set_mode(&below, 0o750);
    let (found, _) = clinic.findings();
    assert_eq!(found[0]["severity"], "warning");
    clinic.sees_and_mends("tree-unreadable", "nobody cannot read 1 directory");
    set_mode(&below, 0o705);
    let (found, _) = clinic.findings();
    assert_eq!(found[0]["severity"], "error", "{found:?}");
    let fixes = clinic.sees("tree-unreadable", "www-data is in that group");
    assert_eq!(fixes, [format!("chmod g+rx '{}'", below.display())]);
    clinic.sees_and_mends("tree-unreadable", "www-data cannot read 1 directory");
    set_mode(&below, 0o700);
    let config = std::fs::read_to_string(clinic.site.config()).expect("it is there");
    let meant = format!("{config}[site.test.index]\nexclude = [\"two*\"]\n");
    std::fs::write(clinic.site.config(), meant).expect("written");
    assert_eq!(
        clinic.ids(),
        [""; 0],
        "what the index leaves out is closed on purpose"
    );
}

#[test]
fn links_out_and_links_to_nowhere_are_named() {
    let clinic = Clinic::new();
    let tree = clinic.site.tree();
    symlink("known.iso", tree.join("dir/inside.iso")).expect("linked");
    assert_eq!(clinic.ids(), [""; 0], "a link within the tree is fine");
    symlink("none.iso", tree.join("dir/it's gone")).expect("linked");
    clinic.sees_and_mends("link-dangling", "none.iso does not exist");
    std::fs::write(clinic.path("other.iso"), "other").expect("a file");
    symlink(clinic.path("other.iso"), tree.join("dir/out.iso")).expect("linked");
    clinic.sees_and_mends("link-out", "are never redirected");
    let text = std::fs::read_to_string(tree.join("dir/out.iso"));
    assert_eq!(text.expect("a file now"), "other");
}

/// A mount would stay, so fix and second look happen in a place of their own.
#[test]
fn a_directory_outside_is_mounted_into_the_tree() {
    let clinic = Clinic::new();
    std::fs::create_dir(clinic.path("outside")).expect("made");
    symlink(clinic.path("outside"), clinic.site.tree().join("dir/out")).expect("linked");
    let fixes = clinic.sees("link-out", "outside");
    let by = ["unshare", "--mount", "bash", "-c"];
    let script = format!("{} && exec \"$@\"", fixes[0]);
    let mut command = clinic.command(&[&by[..], &[&script, "bash"]].concat());
    let output = command.args(["--service-user", SERVICE, "--json"]).output();
    let output = output.expect("unshare starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((said.as_ref(), output.status.code()), ("", Some(0)));
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(value["findings"], Value::Array(vec![]));
}

#[test]
fn a_missing_tree_is_named() {
    let clinic = Clinic::new();
    std::fs::rename(clinic.site.tree(), clinic.path("aside")).expect("moved");
    clinic.sees_and_mends("tree-missing", "its disk is not mounted");
    std::fs::remove_dir(clinic.site.tree()).expect("empty");
    symlink("gone/tree", clinic.site.tree()).expect("linked");
    clinic.sees_and_mends("tree-missing", "gone");
}

#[test]
fn a_configuration_that_others_read_or_services_cannot_is_named() {
    let clinic = Clinic::new();
    let file = clinic.site.config();
    let config = std::fs::read_to_string(&file).expect("it is there");
    let secret = "[site.test.probe]\nwebhook = \"https://chat.example.org/SECRET\"\n";
    std::fs::write(&file, format!("{config}{secret}")).expect("written");
    clinic.sees_and_mends("config-open", "site.test.probe.webhook");
    std::os::unix::fs::chown(&file, Some(0), Some(0)).expect("an owner");
    set_mode(&file, 0o600);
    clinic.sees_and_mends("config-unreadable", "nobody cannot read ");
}

#[test]
fn a_socket_that_the_web_server_cannot_reach_is_named() {
    let clinic = Clinic::new();
    let socket = clinic.path("fcgi.sock");
    set_mode(&socket, 0o660);
    clinic.sees_and_mends("socket-closed", "www-data cannot connect to ");
    let group = std::fs::metadata(&socket).expect("it is there");
    assert_eq!(std::os::unix::fs::MetadataExt::gid(&group), 33);
}
