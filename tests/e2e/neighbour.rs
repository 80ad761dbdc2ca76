//! What other modules of a vhost do to our answers: they stay what they are.

use crate::stage::{Answer, ApacheOptions, Request, Stage, load_module, start_nginx_with};

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
    // A file is Apache's.
    let file = stage.get("/dir/a.iso").send();
    assert_eq!(
        file.comparable(),
        stage.plain("/dir/a.iso").send().comparable()
    );
    assert_eq!(cache_control(&file), "max-age=2592000", "{file:?}");
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
