//! Mirrors are trusted only with the version that the tree has now.

use crate::stage::{MTIME, Stage};

/// Asks for a file often enough that each of two equal mirrors would be chosen.
fn chosen(stage: &Stage, path: &str, times: usize) -> Vec<String> {
    let mut mirrors: Vec<String> = (0..times)
        .map(|_| {
            let answer = stage.get(path).from("192.0.2.1").send();
            assert!([200, 302].contains(&answer.status), "{answer:?}");
            answer.mirror()
        })
        .collect();
    mirrors.sort();
    mirrors.dedup();
    mirrors
}

#[test]
fn a_replaced_file_is_served_here_until_mirrors_have_it() {
    let mut stage = Stage::new("");
    stage.file("a.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.play();
    assert_eq!(stage.get("/a.iso").send().status, 302);

    let new = b"a new release ".repeat(1_000);
    stage.site.write("a.iso", &new, MTIME + 60);
    let answer = stage.get("/a.iso").send();
    assert_eq!(answer.status, 200, "the very next request");
    assert!(answer.body == new);
    stage.index();
    stage.scan();
    // Only after the mirror has it, and was seen to have it.
    assert_eq!(chosen(&stage, "/a.iso", 5), [""]);
    stage.mirror_named("germany").sync(&stage.site.tree());
    assert_eq!(stage.get("/a.iso").send().status, 200);
    stage.scan();
    stage.until_redirected("/a.iso");

    // The same size and another time is another version, too.
    stage.site.write("a.iso", &new, MTIME + 120);
    assert_eq!(stage.get("/a.iso").send().status, 200);
}

#[test]
fn a_mirror_with_an_old_version_is_never_chosen() {
    let mut stage = Stage::new("");
    stage.file("a.iso", 20_000);
    stage.file("b.iso", 20_000);
    let old = b"an old release".repeat(1_000);
    let outdated = stage.mirror("outdated", ["de", "eu"]).folder.join("a.iso");
    std::fs::write(&outdated, &old).expect("a file of the mirror");
    crate::stage::site::set_mtime(&outdated, MTIME - 3_600);
    let incomplete = stage
        .mirror("incomplete", ["de", "eu"])
        .folder
        .join("a.iso");
    std::fs::remove_file(incomplete).expect("a file of the mirror");
    stage.mirror("good", ["de", "eu"]);
    stage.play();
    assert_eq!(chosen(&stage, "/a.iso", 60), ["good"]);
    assert_eq!(
        chosen(&stage, "/b.iso", 60),
        ["good", "incomplete", "outdated"]
    );
    let told = stage
        .site
        .run_ok("heliostat", &["explain", "/a.iso", "--ip", "192.0.2.1"]);
    assert!(told.contains("outdated") && told.contains("good"), "{told}");
}
