//! Tests that the web server serves a file of which the responder knows too little, and that
//! clients ask for documents again.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::stage::site::eventually;
use crate::stage::{ApacheOptions, Request, Stage, start_lighttpd, start_nginx};

/// The content of the file on the mirror.
fn stage(more: &str) -> (Stage, Vec<u8>) {
    let mut stage = Stage::new(more);
    let content = stage.file("dir/a.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    (stage, content)
}

fn set_mode(stage: &Stage, path: &str, mode: u32) {
    let path = stage.site.tree().join(path);
    set_permissions(path, Permissions::from_mode(mode)).expect("our own file");
}

/// The responder as a user who may not look into the tree: another one where we are root, and
/// where we are not, one whom the system refuses to look.
fn start_closed(stage: &mut Stage) {
    let tree = stage.site.tree();
    let wrapper: Vec<String> = if rustix::process::geteuid().is_root() {
        let own = |path: &std::path::Path, owner: &str| {
            let chown = Command::new("chown").args(["-R", owner]).arg(path).status();
            assert!(chown.expect("chown").success());
        };
        own(&stage.site.path(""), "nobody:nogroup");
        own(&tree, "root:www-data");
        set_mode(stage, "", 0o750);
        [
            "setpriv",
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
        ]
        .map(str::to_owned)
        .to_vec()
    } else {
        let calls = "inject=openat2,openat,newfstatat,statx,readlink,faccessat2:error=EACCES";
        let tree = tree.display().to_string();
        let words = [
            "strace",
            "-D",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-P",
            &tree,
            "-e",
            calls,
        ];
        words.map(str::to_owned).to_vec()
    };
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    stage.start_responder_under(&wrapper);
}

/// The file comes from the web server, as without us; its documents are asked for again.
fn assert_served(what: &str, (port, plain_port): (u16, u16), content: &[u8]) {
    let changes: [fn(Request) -> Request; 3] =
        [|r| r, Request::head, |r| r.field("Range: bytes=100-199")];
    for change in changes {
        let ask = |port| change(Request::get(port, "/dir/a.iso")).send();
        let (ours, plain) = (ask(port), ask(plain_port));
        assert_eq!(ours.comparable(), plain.comparable(), "{what}");
        assert_ne!(ours.status, 404, "{what}");
    }
    let answer = Request::get(port, "/dir/a.iso").send();
    assert!(
        answer.status == 200 && answer.body == content,
        "{what}: {answer:?}"
    );
    for document in ["/dir/a.iso.sha256", "/dir/a.iso?sha256", "/dir/a.iso.meta4"] {
        let answer = Request::get(port, document).send();
        assert_eq!(answer.status, 503, "{what}: {document}: {answer:?}");
        assert!(answer.has("retry-after"), "{what}: {document}: {answer:?}");
    }
}

#[test]
fn a_tree_that_is_closed_to_the_responder_is_apaches() {
    let (mut stage, content) = stage("");
    start_closed(&mut stage);
    stage.start_apache(&ApacheOptions::default());
    let apache = stage.apache();
    assert_served("Apache", (apache.port, apache.plain_port), &content);
    let log = std::fs::read_to_string(stage.site.path("fcgi.log")).expect("a log");
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("cannot look at"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(
        lines[0].contains(" as user ") && lines[0].contains("; allow "),
        "{log}"
    );
    let status = stage.site.run("heliostat", &["status", "--check"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert_eq!(status.status.code(), Some(3), "{said}");
    assert!(said.contains("attention: cannot look at "), "{said}");
    let access = stage.access_log();
    assert!(
        access.contains("tree_not_reached") || access.contains(" 200 "),
        "{access}"
    );
    let arguments = ["explain", "/dir/a.iso", "--ip", "192.0.2.7"];
    let explained = stage.site.run_ok("heliostat", &arguments);
    assert!(explained.contains("\nlooked as  "), "{explained}");
    if rustix::process::geteuid().is_root() {
        let both = "\nlooked as  root; the responder runs as nobody";
        assert!(explained.contains(both), "{explained}");
    }
}

#[test]
fn a_tree_that_is_closed_to_the_responder_is_nginxs() {
    let more = "local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"";
    let (mut stage, content) = stage(more);
    start_closed(&mut stage);
    let nginx = start_nginx(&stage.site.path(""));
    assert_served("nginx", (nginx.port, nginx.plain_port), &content);
}

#[test]
fn a_tree_that_is_closed_to_the_responder_is_lighttpds() {
    let (mut stage, content) = stage("local_header = \"X-LIGHTTPD-send-file\"");
    start_closed(&mut stage);
    let lighttpd = start_lighttpd(&stage.site.path(""));
    assert_served("lighttpd", (lighttpd.port, lighttpd.plain_port), &content);
}

/// Files that nobody may read, known to the catalogue and not, on a mirror and not.
fn close_files(stage: &Stage) {
    stage.file("dir/new.iso", 20_000);
    for path in ["dir/a.iso", "dir/new.iso"] {
        set_mode(stage, path, 0);
    }
}

fn assert_refused(what: &str, port: u16, plain_port: u16) {
    for path in ["/dir/a.iso", "/dir/new.iso"] {
        let (ours, plain) = (
            Request::get(port, path).send(),
            Request::get(plain_port, path).send(),
        );
        assert_eq!(
            (plain.status, ours.status),
            (403, 403),
            "{what} {path}: {ours:?}"
        );
    }
    let document = Request::get(port, "/dir/a.iso.sha256").send();
    assert!(document.status >= 400, "{what}: {document:?}");
}

#[test]
fn what_the_web_server_may_not_read_is_403_as_without_us() {
    let (mut first, _) = stage("");
    close_files(&first);
    first.start_responder();
    for shipped in ["mod_proxy_fcgi.conf", "mod_fcgid.conf"] {
        first.start_apache(&ApacheOptions {
            shipped,
            before: fcgid_command(&first, shipped),
            ..ApacheOptions::default()
        });
        let apache = first.apache();
        assert_refused(shipped, apache.port, apache.plain_port);
    }
    drop(first);
    let more = "local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"";
    let (mut second, _) = stage(more);
    close_files(&second);
    second.start_responder();
    let nginx = start_nginx(&second.site.path(""));
    assert_refused("nginx", nginx.port, nginx.plain_port);
    drop(second);
    let (mut third, _) = stage("local_header = \"X-LIGHTTPD-send-file\"");
    close_files(&third);
    third.start_responder();
    let lighttpd = start_lighttpd(&third.site.path(""));
    assert_refused("lighttpd", lighttpd.port, lighttpd.plain_port);
}

/// mod_fcgid starts the responder itself.
fn fcgid_command(stage: &Stage, shipped: &str) -> String {
    if !shipped.contains("fcgid") {
        return String::new();
    }
    let program = crate::stage::site::program_path("heliostat-fcgi");
    let config = stage.site.config().display().to_string();
    format!("Define HELIOSTAT_COMMAND \"{program} --config {config}\"\n")
}

#[test]
fn a_tree_that_is_written_in_another_way_is_the_same_tree() {
    let (mut stage, content) = stage("");
    stage.file("dir/here.iso", 20_000);
    let here = std::fs::read(stage.site.tree().join("dir/here.iso")).expect("the file");
    symlink("tree", stage.site.path("other")).expect("a link");
    let config = std::fs::read_to_string(stage.site.config()).expect("the configuration");
    stage.start_apache(&ApacheOptions::default());
    for tree in ["other", "tree/dir/..", "other/", "../NAME/tree", "missing"] {
        let folder = stage.site.path("");
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let tree = tree.replace("NAME", &name);
        let text = config.replace("tree = \"tree\"", &format!("tree = \"{tree}\""));
        std::fs::write(stage.site.config(), text).expect("the configuration");
        stage.start_responder();
        eventually("it is decided", || {
            let (a, here) = (
                stage.get("/dir/a.iso").send(),
                stage.get("/dir/here.iso").send(),
            );
            a.status == if tree == "missing" { 200 } else { 302 } && here.status == 200
        });
        let answer = stage.get("/dir/here.iso").send();
        assert!(answer.body == here, "{tree}: {answer:?}");
        let plain = stage.plain("/dir/here.iso").send();
        assert_eq!(answer.status, plain.status, "{tree}");
    }
    let answer = stage.get("/dir/a.iso").send();
    assert!(answer.status == 200 && answer.body == content, "{answer:?}");
}

#[test]
fn documents_are_asked_for_again_while_the_database_is_away() {
    let (mut stage, content) = stage("");
    std::fs::rename(stage.site.database(), stage.site.path("away")).expect("the database");
    stage.start_responder();
    stage.start_apache(&ApacheOptions::default());
    let nginx = start_nginx(&stage.site.path(""));
    for (server, port) in [("Apache", stage.apache().port), ("nginx", nginx.port)] {
        for path in [
            "/dir/a.iso.meta4",
            "/dir/a.iso?sha256",
            "/dir/a.iso.mirrorlist",
        ] {
            let answer = Request::get(port, path).send();
            assert_eq!(answer.status, 503, "{server}: {path}: {answer:?}");
            assert!(answer.has("retry-after"), "{server}: {path}: {answer:?}");
        }
        assert_eq!(
            Request::get(port, "/dir/none.iso.meta4").send().status,
            404,
            "{server}"
        );
    }
    let answer = stage.get("/dir/a.iso").send();
    assert!(answer.status == 200 && answer.body == content, "{answer:?}");
}
