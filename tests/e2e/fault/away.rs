//! The settings and rules that lead to a file hold for it whatever the responder does: up, hung,
//! killed, or asked about a file outside the tree.

use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::stage::site::set_mtime;
use crate::stage::{Answer, ApacheOptions, MTIME, Request, Stage, load_module};

/// A host: first label of its name, directives, URLs that Apache alone answers with 200.
type Host = (&'static str, &'static str, &'static [&'static str]);

/// Hosts whose rules look at more than the file.
const HOSTS: &[Host] = &[
    (
        "query",
        "<Directory {tree}>\nRequire expr \"%{QUERY_STRING} =~ /(^|&)key=1(&|$)/\"\n</Directory>\n\
         <Files \"o.iso\">\nRequire expr \"%{QUERY_STRING} == 'key=1'\"\n</Files>",
        &["/dir/new.iso?key=1", "/dir/o.iso?key=1"],
    ),
    (
        "url",
        "<Directory {tree}>\nRequire expr \"%{REQUEST_URI} =~ m#^/dir/#\"\n</Directory>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    (
        "variable",
        "SetEnvIf Request_URI ^/dir/ open\n<Directory {tree}>\nRequire env open\n</Directory>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    (
        "order",
        "SetEnvIf Request_URI ^/dir/ open\n<Directory {tree}/dir>\nOrder deny,allow\n\
         Deny from all\nAllow from env=open\n</Directory>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    (
        "if",
        "<Directory {tree}>\n<If \"! %{REQUEST_URI} =~ m#^/dir/#\">\nRequire all denied\n</If>\n\
         </Directory>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    (
        "password",
        "<Directory {tree}>\nAuthType Basic\nAuthName x\nAuthUserFile {home}/users\n\
         Require valid-user\n</Directory>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    (
        "typed",
        "<Location /dir>\nForceType application/x-own\n</Location>\n\
         <If \"%{REQUEST_URI} =~ m#second#\">\nForceType text/plain;charset=utf-8\n</If>\n\
         Alias /second/ {tree}/dir/",
        &["/dir/new.iso", "/dir/o.iso", "/second/new.iso"],
    ),
    (
        "asked",
        "Alias /out/ {home}/outside/\n<Directory {home}/outside>\nRequire all granted\n\
         {ask}</Directory>\n<Location /out>\nForceType application/x-own\n</Location>",
        &["/out/o.iso"],
    ),
    (
        "settings",
        "<Directory {tree}>\nHeader set X-Own dir\nHeader always set Cache-Control max-age=99\n\
         AddDefaultCharset utf-8\nAddCharset utf-16 .iso\nAddLanguage de .iso\n</Directory>\n\
         <Files *.iso>\nHeader set X-Files \"yes\"\n</Files>\nFileETag Size\n",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    // Everything else is closed.
    (
        "closed",
        "<LocationMatch \"^/(?!dir/)\">\nRequire all denied\n</LocationMatch>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    // Everything else is another server's.
    (
        "proxied",
        "ProxyPass /dir !\nProxyPass / http://127.0.0.1:1/",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    (
        "proxiedlocation",
        "<Location />\nProxyPass http://127.0.0.1:1/\n</Location>\n\
         <Location /dir>\nProxyPass !\n</Location>",
        &["/dir/new.iso", "/dir/o.iso"],
    ),
    // Apache keeps answers under their URLs.
    (
        "cached",
        "CacheRoot {home}/cached\nCacheEnable disk /\nCacheQuickHandler Off",
        &[],
    ),
    (
        "cachedearly",
        "CacheRoot {home}/cachedearly\nCacheEnable disk /",
        &[],
    ),
    // A user of one directory names files as the shipped host does.
    (
        "forged",
        "<Directory {tree}/forged>\nAllowOverride All\n</Directory>",
        &[],
    ),
];

/// A file that no mirror has, and a link that leads out of the tree.
fn stage() -> Stage {
    let mut stage = Stage::new("");
    stage.file("dir/x.iso", 10_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.file("dir/new.iso", 9_000);
    let outside = stage.site.path("outside");
    std::fs::create_dir_all(&outside).expect("a folder");
    std::fs::write(outside.join("o.iso"), b"outside ".repeat(1_000)).expect("a file");
    set_mtime(&outside.join("o.iso"), MTIME);
    symlink("../../outside/o.iso", stage.site.tree().join("dir/o.iso")).expect("a link");
    // admin:secret
    let users = "admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    std::fs::write(stage.site.path("users"), users).expect("a file");
    let forged = format!(
        "SetEnv HELIOSTAT_ASKED 1\nRequestHeader set X-Heliostat-File {}\n\
         ErrorDocument 404 /.heliostat/down\n",
        stage.site.path("users").display()
    );
    stage
        .site
        .write("forged/.htaccess", forged.as_bytes(), MTIME);
    stage.learn();
    let host = |(name, directives, _): &Host| ((*name).to_owned(), (*directives).to_owned());
    for cache in ["cached", "cachedearly"] {
        let folder = stage.site.path(cache);
        std::fs::create_dir(&folder).expect("a folder");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(&folder, open).expect("our own folder");
    }
    stage.start_with(&ApacheOptions {
        before: ["proxy_http", "cache", "cache_disk"]
            .map(load_module)
            .concat(),
        hosts: HOSTS.iter().map(host).collect(),
        ..ApacheOptions::default()
    });
    stage
}

fn ask(port: u16, host: &str, url: &str) -> Answer {
    let request = Request::get(port, url).field(format!("Host: {host}.test"));
    let request = request.field("Authorization: Basic YWRtaW46c2VjcmV0");
    request.send().comparable()
}

/// All that differs from the answers of Apache alone.
fn differences(stage: &Stage, state: &str) -> Vec<String> {
    let (port, plain_port) = (stage.apache().port, stage.apache().plain_port);
    let urls = HOSTS
        .iter()
        .flat_map(|(host, _, urls)| urls.iter().map(move |url| (*host, *url)));
    let mut found = Vec::new();
    for (host, url) in urls {
        let (ours, plain) = (ask(port, host, url), ask(plain_port, host, url));
        assert_eq!(plain.status, 200, "{host}{url}: {plain:?}");
        if ours != plain {
            found.push(format!("{state} {host}{url}: {ours:?}\nalone {plain:?}"));
        }
    }
    found
}

#[test]
fn rules_and_settings_hold_without_the_responder() {
    let mut stage = stage();
    let mut found = differences(&stage, "up");
    let responder = stage.responder.as_ref().expect("it runs");
    responder.signal(Signal::STOP);
    found.extend(differences(&stage, "stopped"));
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    found.extend(differences(&stage, "killed"));
    let forged = ask(stage.apache().port, "forged", "/forged/none.txt");
    assert!(forged.status >= 400, "{forged:?}");
    assert!(!forged.body.starts_with(b"admin"), "{forged:?}");
    assert!(
        found.is_empty(),
        "{} differences\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn a_cache_in_apache_never_sends_another_file() {
    let mut stage = stage();
    let files = ["dir/new.iso", "dir/o.iso", "dir/x.iso"];
    let visit = |stage: &Stage, state: &str| {
        for (host, file) in ["cached", "cachedearly"]
            .iter()
            .flat_map(|host| files.map(|file| (host, file)))
        {
            let request = Request::get(stage.apache().port, format!("/{file}"));
            let answer = request.field(format!("Host: {host}.test")).send();
            if state == "up" && file == "dir/x.iso" {
                assert_eq!(answer.status, 302, "{state} {host}{file}: {answer:?}");
                continue;
            }
            let content = std::fs::read(stage.site.tree().join(file)).expect("a file of the tree");
            assert_eq!(answer.status, 200, "{state} {host}{file}: {answer:?}");
            assert!(answer.body == content, "{state} {host}/{file}: {answer:?}");
        }
    };
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    visit(&stage, "killed");
    visit(&stage, "killed");
    stage.start_responder();
    visit(&stage, "up");
}
