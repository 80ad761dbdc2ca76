//! A product's name leads through Apache to the file, and a client downloads it.

use std::process::Command;

use crate::stage::{ApacheOptions, MTIME, Stage};

const CONFIG: &str = "\
[site.test.products]
home = \"http://127.0.0.1:9/home\"
";

const FILE: &str = "lantern/9.1/mac/de/Lantern 9.1.dmg";

#[test]
fn curl_downloads_a_product_from_a_mirror_or_from_here() {
    let mut stage = Stage::new(CONFIG);
    stage.site.write(FILE, &[b'x'; 20_000], MTIME);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage
        .site
        .write("lantern/9.1/mac/fr/Lantern 9.1.dmg", &[b'y'; 20_000], MTIME);
    stage.site.run_ok("heliostat-index", &[]);
    let location = "osx=lantern/9.1/mac/:lang/Lantern 9.1.dmg";
    let add = ["product", "add", "Lantern-9.1", "--location", location];
    stage.site.run_ok("heliostat", &add);
    stage.site.run_ok(
        "heliostat",
        &["product", "alias", "lantern-latest", "Lantern-9.1"],
    );
    stage.start_with(&ApacheOptions {
        before: "Define HELIOSTAT_LISTS \"mirrorlist|product\"\n".to_owned(),
        ..ApacheOptions::default()
    });
    let own = format!("http://127.0.0.1:{}", stage.apache().port);
    let mirror = format!("http://127.0.0.1:{}", stage.mirrors[0].http_port);
    for (language, from, content) in [("de", &mirror, b'x'), ("fr", &own, b'y')] {
        let url = format!("{own}/?product=LANTERN-latest&os=osx&lang={language}");
        let output = Command::new("curl")
            .args(["-sSfL", "-w", "%{stderr}%{url_effective}", &url])
            .env_remove("http_proxy")
            .output()
            .expect("curl starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = format!("{from}/lantern/9.1/mac/{language}/Lantern%209.1.dmg");
        assert!(
            output.status.success() && said == expected,
            "{said}, not {expected}"
        );
        assert_eq!(output.stdout, [content; 20_000]);
    }
    let home = stage.get("/?product=&os=win").send();
    assert_eq!(
        (home.status, home.text("location")),
        (302, "http://127.0.0.1:9/home".to_owned())
    );
    assert_eq!(stage.get("/?product=nope").send().status, 404);
    let printed = stage
        .get("/?product=lantern-latest&os=osx&lang=de&print=yes")
        .send();
    let url = String::from_utf8_lossy(&printed.body).into_owned();
    assert!(
        printed.status == 200 && url.starts_with(&mirror),
        "{printed:?}"
    );
}
