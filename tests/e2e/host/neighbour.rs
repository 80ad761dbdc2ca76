//! Tests that other modules of a vhost leave our answers as they are.

use crate::stage::site::{DOCUMENTS, eventually};
use crate::stage::{Answer, ApacheOptions, Request, Stage, load_module, start_nginx_with, tool};

/// A file on a mirror, one on none.
fn stage(more: &str) -> Stage {
    let mut stage = Stage::new(more);
    stage.file("dir/mirrored.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.file("dir/a.iso", 20_000);
    stage.learn();
    stage
}

fn start(stage: &mut Stage, modules: &[&str], directives: &str) {
    let modules: String = modules.iter().map(|name| load_module(name)).collect();
    stage.start_with(&ApacheOptions {
        before: format!("{modules}{directives}\n"),
        ..ApacheOptions::default()
    });
    stage.until_redirected("/dir/mirrored.iso");
}

fn cache_control(answer: &Answer) -> String {
    answer.all("cache-control").join(", ")
}

#[test]
fn redirects_stay_private_behind_mod_expires() {
    let mut stage = stage("");
    let directives = "ExpiresActive On\nExpiresDefault \"access plus 1 month\"";
    start(&mut stage, &["expires"], directives);
    let redirect = stage.get("/dir/mirrored.iso").send();
    assert_eq!(redirect.status, 302);
    assert_eq!(
        cache_control(&redirect),
        "private, no-cache",
        "{redirect:?}"
    );
    for path in [
        "/dir/a.iso.sha256",
        "/dir/a.iso.mirrorlist",
        "/dir/a.iso.torrent",
    ] {
        let answer = stage.get(path).send();
        assert!(
            cache_control(&answer).contains("no-cache"),
            "{path}: {answer:?}"
        );
    }
    // A file is Apache's. `Expires` counts seconds, and two requests may fall into two of them.
    let file = stage.get("/dir/a.iso").send();
    eventually("the file is the same", || {
        stage.get("/dir/a.iso").send().comparable() == stage.plain("/dir/a.iso").send().comparable()
    });
    assert_eq!(cache_control(&file), "max-age=2592000", "{file:?}");
}

/// MultiViews finds a name by a subrequest, which is a GET whatever the request is.
#[test]
fn only_get_and_head_are_asked_about_names_that_multiviews_finds() {
    let mut stage = stage("");
    let after = "<Directory ${HELIOSTAT_TREE}>\nOptions +MultiViews\n</Directory>\n";
    stage.start_with(&ApacheOptions {
        after: after.to_owned(),
        ..ApacheOptions::default()
    });
    stage.until_redirected("/dir/mirrored");
    for path in ["/dir/mirrored", "/dir/a", "/dir/mirrored.iso"] {
        for method in ["POST", "OPTIONS", "PUT", "DELETE"] {
            let [ours, plain] = [stage.get(path), stage.plain(path)]
                .map(|request| request.argument("-X").argument(method).send());
            let (ours, plain) = (ours.status, plain.status);
            assert_eq!(ours, plain, "{method} {path}");
        }
    }
    assert_eq!(stage.get("/dir/mirrored").head().send().status, 302);
}

#[test]
fn redirects_stay_private_behind_expires_of_nginx() {
    let settings = "local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"\n";
    let mut stage = stage(settings);
    stage.start_responder();
    let server = start_nginx_with(&stage.site.path("."), "expires 30d;");
    let redirect = Request::get(server.port, "/dir/mirrored.iso").send();
    assert_eq!(redirect.status, 302);
    assert_eq!(
        cache_control(&redirect),
        "private, no-cache",
        "{redirect:?}"
    );
    let [file, plain] =
        [server.port, server.plain_port].map(|port| Request::get(port, "/dir/a.iso").send());
    assert_eq!(cache_control(&file), "max-age=2592000", "{file:?}");
    assert_eq!(cache_control(&plain), "max-age=2592000", "{plain:?}");
}

#[test]
fn what_is_known_is_not_sent_again_behind_compression() {
    let mut stage = stage("");
    let by_type = "AddOutputFilterByType DEFLATE text/plain text/html application/metalink4+xml";
    for (modules, directives, coding) in [
        (&["filter"][..], by_type, "gzip"),
        (&[], "SetOutputFilter DEFLATE", "gzip"),
        (&["brotli"], "SetOutputFilter BROTLI_COMPRESS", "br"),
    ] {
        start(&mut stage, modules, directives);
        for path in [
            "/dir/mirrored.iso.sha256",
            "/dir/mirrored.iso.meta4",
            "/dir/mirrored.iso.mirrorlist",
            "/dir/mirrored.iso?sha256",
        ] {
            let accept = format!("Accept-Encoding: {coding}");
            let first = stage.get(path).field(&accept).send();
            let tag = first.text("etag");
            assert_eq!(first.text("content-encoding"), coding, "{path}: {first:?}");
            assert!(tag.ends_with(&format!("-{coding}\"")), "{path}: {first:?}");
            let known = stage.get(path).field(&accept);
            let again = known.field(format!("If-None-Match: {tag}")).send();
            assert_eq!(again.status, 304, "{path}: {again:?}");
            assert_eq!(again.text("etag"), tag, "{path}: {again:?}");
        }
    }
}

/// Names with an encoding, and settings that bring each document about.
fn encoded_stage() -> Stage {
    let mut stage = Stage::new(
        "[site.test.hashes]\nzsync = true\n\
         [site.test.rules]\ntrackers = [\"http://127.0.0.1:9/announce\"]\n",
    );
    for name in ["a.tar.gz", "a.GZ", "a.gz.iso", "a.tgz", "a.br", "a.iso.xz"] {
        stage.file(format!("dir/{name}"), 20_000);
    }
    stage.mirror("germany", ["de", "eu"]);
    stage.file("dir/here.tar.gz", 20_000);
    stage.file("dir/here.iso", 20_000);
    stage.learn();
    stage
}

/// The settings that an admin has for the tree, in the host with Heliostat and in the one without.
fn encodings(stage: &Stage) -> String {
    format!(
        "<Directory {}>\nAddEncoding x-gzip .gz .tgz\nAddEncoding br .br\nAddEncoding x-xz .xz\n\
         </Directory>\n",
        stage.site.tree().display()
    )
}

fn assert_plain(answer: &Answer, what: &str) {
    assert!(!answer.has("content-encoding"), "{what}: {answer:?}");
}

#[test]
fn our_answers_are_not_encoded_by_a_name() {
    let mut stage = encoded_stage();
    let after = encodings(&stage);
    for shipped in ["mod_proxy_fcgi.conf", "mod_fcgid.conf"] {
        let program = crate::stage::site::program_path("heliostat-fcgi");
        let script = format!("exec {program} --config {}", stage.site.config().display());
        let command = stage.site.script("responder", &script);
        stage.start_responder();
        stage.start_apache(&ApacheOptions {
            shipped,
            before: format!("Define HELIOSTAT_COMMAND \"{}\"\n", command.display()),
            after: after.clone(),
            ..ApacheOptions::default()
        });
        stage.until_redirected("/dir/a.tar.gz");
        for name in ["a.tar.gz", "a.GZ", "a.gz.iso", "a.tgz", "a.br", "a.iso.xz"] {
            let path = format!("/dir/{name}");
            // Stands in the way of what a client takes apart: curl --compressed fails.
            let get = |path: &str| stage.get(path).argument("--compressed").send();
            let redirect = get(&path);
            assert_eq!(redirect.status, 302, "{shipped} {path}: {redirect:?}");
            assert!(!redirect.body.is_empty(), "{path}: {redirect:?}");
            assert_plain(&redirect, &path);
            let folder = stage.site.path("");
            let url = format!("http://127.0.0.1:{}{path}", stage.apache().port);
            let arguments = ["-sSL", "--compressed", "-o", "got", &url];
            let (ended, said) = tool(&folder, "curl", &arguments);
            assert!(ended, "{path}: {said}");
            let file = std::fs::read(stage.site.tree().join(&path[1..])).expect("the file");
            assert!(
                std::fs::read(folder.join("got")).expect("it") == file,
                "{path}"
            );
            for word in DOCUMENTS {
                for path in [format!("{path}.{word}"), format!("{path}?{word}")] {
                    let document = get(&path);
                    assert_eq!(document.status, 200, "{shipped} {path}: {document:?}");
                    assert!(!document.body.is_empty(), "{path}: {document:?}");
                    assert_plain(&document, &path);
                    let known = stage.get(&path);
                    let known = known.field(format!("If-None-Match: {}", document.text("etag")));
                    assert_plain(&known.send(), &path);
                }
            }
            assert_plain(&stage.get(format!("{path}?zsync&x")).head().send(), &path);
        }
        let missing = stage.get("/dir/here.tar.gz?btih&metalink").send();
        assert_plain(&missing, "a document of a file on no mirror");
        assert_files_are_apaches(&stage);
        let line = || {
            let log = stage.access_log();
            let line = log
                .lines()
                .rev()
                .find(|line| line.contains("/dir/here.tar.gz "));
            line.unwrap_or_default().to_owned()
        };
        assert!(line().contains("want:file give:file"), "{}", line());
    }
    let errors = std::fs::read_to_string(stage.site.path("error.log")).expect("a log");
    assert!(!errors.contains("here.tar.gz"), "{errors}");
}

/// The file itself keeps its encoding, ranges and conditions.
fn assert_files_are_apaches(stage: &Stage) {
    let etag = stage.plain("/dir/here.tar.gz").send().text("etag");
    for field in [
        "X: y".to_owned(),
        "Range: bytes=5-9".to_owned(),
        "Range: bytes=0-1,5-9".to_owned(),
        "Range: bytes=99999-".to_owned(),
        format!("If-None-Match: {etag}"),
        format!("If-Match: {etag}"),
        "If-Match: \"other\"".to_owned(),
    ] {
        for path in ["/dir/here.tar.gz", "/dir/here.iso", "/dir/here.tar.gz?x=1"] {
            let ask = |request: Request| {
                let request = request.field("Host: download.example.org").field(&field);
                (
                    request.send().comparable(),
                    request.head().send().comparable(),
                )
            };
            let (ours, plain) = (ask(stage.get(path)), ask(stage.plain(path)));
            assert_eq!(ours, plain, "{path} {field}");
            let is_encoded = plain.0.text("content-encoding") == "x-gzip";
            let has_body = [200, 206].contains(&plain.0.status);
            assert!(
                !has_body || is_encoded == path.contains(".gz"),
                "{path}: {plain:?}"
            );
        }
    }
}
