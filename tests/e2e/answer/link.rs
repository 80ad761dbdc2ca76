//! Symbolic links: inside the tree, out of it, into nothing, and the tree itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::stage::{MTIME, Stage};

#[test]
fn links_are_resolved_and_never_chopped() {
    let mut stage = Stage::new("");
    stage.file("dir/a.iso", 20_000);
    let tree = stage.site.tree();
    let outside = stage.site.path("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("o.iso"), b"outside ".repeat(1_000)).expect("a file");
    symlink("dir/a.iso", tree.join("latest.iso")).expect("a link");
    symlink("latest.iso", tree.join("newest.iso")).expect("a link");
    symlink("dir", tree.join("alias")).expect("a link");
    symlink("../outside/o.iso", tree.join("out.iso")).expect("a link");
    symlink(&outside, tree.join("outdir")).expect("a link");
    symlink("nothing.iso", tree.join("dangling.iso")).expect("a link");
    stage.mirror("germany", ["de", "eu"]);
    stage.play();
    let base = format!(
        "http://127.0.0.1:{}",
        stage.mirror_named("germany").http_port
    );
    for path in ["/dir/a.iso", "/latest.iso", "/newest.iso", "/alias/a.iso"] {
        let answer = stage.get(path).send();
        assert_eq!(
            (answer.status, answer.text("location")),
            (302, format!("{base}/dir/a.iso"))
        );
    }
    for path in ["/out.iso", "/outdir/o.iso"] {
        let (ours, plain) = (stage.get(path).send(), stage.plain(path).send());
        assert_eq!((ours.status, ours.body.len()), (200, 8_000), "{path}");
        assert_eq!(ours.comparable(), plain.comparable(), "{path}");
        assert_eq!(
            stage.get(format!("{path}.md5")).send().status,
            404,
            "no document about it"
        );
    }
    // Apache itself refuses a link into nothing, with 403.
    let (ours, plain) = (
        stage.get("/dangling.iso").send(),
        stage.plain("/dangling.iso").send(),
    );
    assert_eq!((ours.status, ours.comparable()), (403, plain.comparable()));
    assert_eq!(stage.get("/dangling.iso.mirrorlist").send().status, 404);
}

#[test]
fn the_tree_may_be_a_link_that_is_turned_while_serving() {
    let mut stage = Stage::new("");
    let first = stage.file("a.iso", 20_000);
    let tree = stage.site.tree();
    let (v1, v2) = (stage.site.path("v1"), stage.site.path("v2"));
    fs::rename(&tree, &v1).expect("the tree");
    symlink("v1", &tree).expect("a link");
    // The next release: one file changed, one not.
    let second = b"second ".repeat(3_000);
    fs::create_dir(&v2).expect("a folder");
    fs::write(v2.join("a.iso"), &second).expect("a file");
    crate::stage::site::set_mtime(&v2.join("a.iso"), MTIME + 60);
    let same = stage.file("same.iso", 20_000);
    fs::write(v2.join("same.iso"), &same).expect("a file");
    crate::stage::site::set_mtime(&v2.join("same.iso"), MTIME);
    stage.mirror("germany", ["de", "eu"]);
    stage.play();
    stage.until_redirected("/a.iso");

    let turn_to = |target: &str| {
        let next = stage.site.path("next");
        symlink(target, &next).expect("a link");
        fs::rename(next, &tree).expect("the turn");
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = || {
            let mut statuses = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let answer = stage.get("/a.iso").send();
                let whole = answer.body == first || answer.body == second;
                assert!(
                    answer.status == 302 || answer.status == 200 && whole,
                    "{answer:?}"
                );
                statuses.push(answer.status);
                let same = stage.get("/same.iso").send();
                assert_eq!(
                    same.status, 302,
                    "unchanged files stay redirected: {same:?}"
                );
            }
            statuses
        };
        let clients = [scope.spawn(client), scope.spawn(client)];
        for _ in 0..20 {
            for (release, status) in [("v2", 200), ("v1", 302)] {
                turn_to(release);
                assert_eq!(stage.get("/a.iso").send().status, status, "{release}");
            }
        }
        done.store(true, Ordering::Relaxed);
        for client in clients {
            let statuses = client.join().expect("a client");
            assert!(
                statuses.contains(&200) && statuses.contains(&302),
                "{statuses:?}"
            );
        }
    });
}
