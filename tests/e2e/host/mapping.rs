//! The web server's mapping is the truth: whatever aliases, rewrites and links lead to a file, it
//! is that file that clients get, from a mirror or from the web server, and that documents tell of.

use std::os::unix::fs::symlink;

use md5::{Digest, Md5};
use rustix::process::Signal;

use crate::stage::{Answer, ApacheOptions, Request, Stage, start_nginx_with};

/// One URL of a host, and the file of the tree that it must be redirected to while all is well;
/// `None`: whatever Apache alone answers.
pub type Url = (&'static str, Option<&'static str>);

/// A host: first label of its name, directives, URLs.
type Host = (&'static str, &'static str, &'static [Url]);

/// How often a redirect is asked for.
const TRIES: usize = 20;

pub const X: Option<&str> = Some("war/2.361/x.iso");

/// Hosts as operators have them.
const HOSTS: &[Host] = &[
    (
        "plain",
        "",
        &[
            ("/war/2.361/x.iso", X),
            ("/war/2.361/none.iso", None),
            ("/war/2.361/new.iso", None),
            ("/war//2.361/./x.iso", X),
            ("/other/../war/2.361/x.iso", X),
            ("/war/2.361/x.iso/more", None),
            ("/war/2.361", None),
            ("/war/", None),
        ],
    ),
    (
        "alias",
        "Alias /al/ {tree}/war/",
        &[
            ("/al/2.361/x.iso", X),
            ("/al/2.361/new.iso", None),
            ("/al/2.361/none.iso", None),
        ],
    ),
    // Another file than the URL says, and both are there.
    (
        "shadow",
        "Alias /war/ {tree}/other/",
        &[
            ("/war/2.361/x.iso", Some("other/2.361/x.iso")),
            ("/war/2.361/new.iso", None),
        ],
    ),
    (
        "aliasmatch",
        "AliasMatch ^/am/([^/]+)/(.*)$ {tree}/war/$1/$2",
        &[("/am/2.361/x.iso", X)],
    ),
    (
        "second",
        "Alias /mirror {tree}\nAlias /copy/ {tree}/",
        &[
            ("/mirror/war/2.361/x.iso", X),
            ("/copy/war/2.361/x.iso", X),
            ("/war/2.361/x.iso", X),
            ("/mirror/war/2.361/new.iso", None),
        ],
    ),
    (
        "location",
        "<LocationMatch \"^/loc/(?<REST>.+)$\">\nAlias \"{tree}/war/%{env:MATCH_REST}\"\n\
         </LocationMatch>",
        &[("/loc/2.361/x.iso", X)],
    ),
    (
        "outside",
        "Alias /out/ {home}/outside/\n\
        <Directory {home}/outside>\nRequire all granted\n</Directory>",
        &[("/out/o.iso", None), ("/out/none.iso", None)],
    ),
    // The rules for requests where the tree ends: what is asked about is not of the tree.
    (
        "asked",
        "Alias /out/ {home}/outside/\n<Directory {home}/outside>\nRequire all granted\n\
        {ask}</Directory>",
        &[("/out/o.iso", None), ("/out/none.iso", None)],
    ),
    (
        "rewrite",
        "RewriteEngine On\nRewriteRule ^/current/(.*)$ /war/2.361/$1",
        &[
            ("/current/x.iso", X),
            ("/current/new.iso", None),
            ("/current/none.iso", None),
            ("/war/2.361/x.iso", X),
        ],
    ),
    (
        "passthrough",
        "RewriteEngine On\nRewriteRule ^/current/(.*)$ /al/2.361/$1 [PT]\n\
        Alias /al/ {tree}/war/",
        &[("/current/x.iso", X), ("/current/new.iso", None)],
    ),
    (
        "absolute",
        "RewriteEngine On\nRewriteRule ^/abs/(.*)$ {tree}/war/$1",
        &[("/abs/2.361/x.iso", X), ("/abs/2.361/new.iso", None)],
    ),
    (
        "anchored",
        "RewriteEngine On\nRewriteRule ^/latest\\.iso$ /war/2.361/x.iso\n\
        RewriteRule ^/latest$ /war/2.361/new.iso",
        &[("/latest.iso", X), ("/latest", None)],
    ),
    (
        "everything",
        "RewriteEngine On\nRewriteRule ^/(.*)$ /war/2.361/$1",
        &[("/x.iso", X), ("/new.iso", None), ("/none.iso", None)],
    ),
    (
        "condition",
        "RewriteEngine On\nRewriteCond {tree}/war/2.361%{REQUEST_URI} -f\n\
        RewriteRule ^(.*)$ {tree}/war/2.361$1",
        &[
            ("/x.iso", X),
            ("/new.iso", None),
            ("/other/2.361/x.iso", Some("other/2.361/x.iso")),
        ],
    ),
    (
        "perdir",
        "<Directory {tree}>\nRewriteEngine On\n\
        RewriteRule ^now/(.*)$ /war/2.361/$1\n</Directory>",
        &[
            ("/now/x.iso", X),
            ("/now/new.iso", None),
            ("/now/none.iso", None),
        ],
    ),
    // A rewritten URL would be rewritten once more, were it served from within.
    (
        "perdirtwice",
        "<Directory {tree}/twice>\nRewriteEngine On\n\
        RewriteRule ^([ab])\\.iso$ $1$1.iso [END]\n\
        RewriteRule ^aa\\.iso$ b.iso [END]\n</Directory>",
        &[
            ("/twice/a.iso", Some("twice/aa.iso")),
            ("/twice/b.iso", None),
        ],
    ),
    (
        "htaccess",
        "<Directory {tree}/ht>\nAllowOverride All\n</Directory>",
        &[
            ("/ht/stable/x.iso", X),
            ("/ht/stable/new.iso", None),
            ("/ht/newest.iso", Some("ht/1.iso")),
            ("/ht/1.iso", Some("ht/1.iso")),
            ("/ht/gone.iso", None),
        ],
    ),
    (
        "multiviews",
        "<Directory {tree}>\nOptions +MultiViews\n</Directory>",
        &[
            ("/war/2.361/x", X),
            ("/war/2.361/new", None),
            ("/war/2.361/none", None),
            ("/war/2.361/x.iso", X),
        ],
    ),
    (
        "nested",
        "DocumentRoot {tree}/war",
        &[
            ("/2.361/x.iso", X),
            ("/2.361/new.iso", None),
            ("/other/2.361/x.iso", None),
        ],
    ),
    (
        "above",
        "DocumentRoot {home}\n<Directory {home}/outside>\nRequire all granted\n</Directory>",
        &[("/tree/war/2.361/x.iso", X), ("/outside/o.iso", None)],
    ),
    (
        "rootlink",
        "DocumentRoot {home}/www\n<Directory {home}/www>\nOptions +FollowSymLinks\n\
        Require all granted\n</Directory>",
        &[("/war/2.361/x.iso", None)],
    ),
    (
        "rootlinkasked",
        "DocumentRoot {home}/www\n<Directory {home}/www>\n\
        Options +FollowSymLinks\nRequire all granted\n{ask}</Directory>",
        &[
            ("/war/2.361/x.iso", X),
            ("/war/2.361/new.iso", None),
            ("/links/x.iso", X),
            ("/links/out.iso", None),
        ],
    ),
    (
        "middlelink",
        "DocumentRoot {home}/middle\n<Directory {home}/middle>\n\
        Options +FollowSymLinks\nRequire all granted\n{ask}</Directory>",
        &[("/2.361/x.iso", X), ("/2.361/new.iso", None)],
    ),
    (
        "userlike",
        "AliasMatch ^/~([^/]+)/(.*)$ {tree}/home/$1/pub/$2",
        &[
            ("/~anna/u.iso", Some("home/anna/pub/u.iso")),
            ("/~bert/u.iso", None),
        ],
    ),
    (
        "userdir",
        "UserDir {tree}/home/*/pub",
        &[
            ("/~anna/u.iso", Some("home/anna/pub/u.iso")),
            ("/~anna", None),
        ],
    ),
    (
        "vhostalias",
        "VirtualDocumentRoot {tree}/hosts/%1",
        &[
            ("/v.iso", Some("hosts/vhostalias/v.iso")),
            ("/none.iso", None),
        ],
    ),
    (
        "links",
        "",
        &[
            ("/links/x.iso", X),
            ("/links/dir/x.iso", X),
            ("/links/out.iso", None),
            ("/links/outdir/o.iso", None),
            ("/links/dangling.iso", None),
            ("/links/loop.iso", None),
        ],
    ),
    (
        "index",
        "<Directory {tree}>\nDirectoryIndex index.html x.iso\n</Directory>",
        &[
            ("/page/", None),
            ("/page", None),
            ("/page/index.html", Some("page/index.html")),
            ("/war/2.361/", None),
        ],
    ),
    (
        "listing",
        "<Directory {tree}>\nHeaderName HEAD.html\nReadmeName READ.html\n</Directory>",
        &[
            ("/listed/", None),
            ("/listed/?C=N;O=D", None),
            ("/listed/HEAD.html", Some("listed/HEAD.html")),
        ],
    ),
    (
        "errors",
        "ErrorDocument 404 /page/index.html\nErrorDocument 403 /war/2.361/x.iso\n\
        <Directory {tree}/other>\nRequire all denied\n</Directory>",
        &[
            ("/none", None),
            ("/none.iso", None),
            ("/other/2.361/x.iso", None),
            ("/war/2.361/x.iso", X),
        ],
    ),
    (
        "fallback",
        "<Directory {tree}/war>\nFallbackResource /war/2.361/x.iso\n</Directory>",
        &[("/war/2.361/none", X)],
    ),
    (
        "perdirectory",
        "<Directory {tree}/war>\nSetEnv MirrorBrainExcludeFileMask \"x\\.iso$\"\n\
        </Directory>\n\
        <Directory {tree}/home>\n<If \"true\">\nSetHandler None\n</If>\n</Directory>\n\
        <Directory {tree}/other>\nSetEnv MirrorBrainEngine Off\n</Directory>",
        &[
            ("/war/2.361/x.iso", None),
            ("/home/anna/pub/u.iso", None),
            ("/other/2.361/x.iso", None),
            ("/ht/1.iso", Some("ht/1.iso")),
        ],
    ),
    (
        "protected",
        "<Directory {tree}/war>\nAuthType Basic\nAuthName x\n\
        AuthUserFile {home}/users\nRequire valid-user\n</Directory>\n\
        Alias /al/ {tree}/war/",
        &[
            ("/war/2.361/x.iso", X),
            ("/al/2.361/x.iso", X),
            ("/al/2.361/new.iso", None),
        ],
    ),
    // docs/caches.md, versionKey = path.
    (
        "versionkey",
        "RewriteEngine On\nRewriteRule ^/\\.v/[0-9a-f]{16}/(.*)$ /$1 [PT]",
        &[
            ("/.v/0123456789abcdef/war/2.361/x.iso", X),
            ("/.v/0123456789abcdef/war/2.361/new.iso", None),
            ("/.v/0123456789abcdef/war/2.361/none.iso", None),
            ("/.v/0123456789abcdef/war/2.361/", None),
            ("/.v/0123456789abcde/war/2.361/x.iso", None),
            ("/war/2.361/x.iso", X),
        ],
    ),
    (
        "slash",
        "Alias / {tree}/\nDocumentRoot {home}/outside",
        &[("/war/2.361/x.iso", X), ("/war/2.361/new.iso", None)],
    ),
];

/// The tree that all hosts show, with what lies beside it.
fn stage() -> Stage {
    stage_with("")
}

/// The same; `more` is appended to the configuration.
pub fn stage_with(more: &str) -> Stage {
    let mut stage = Stage::new(more);
    for path in [
        "war/2.361/x.iso",
        "other/2.361/x.iso",
        "twice/aa.iso",
        "ht/1.iso",
        "home/anna/pub/u.iso",
        "hosts/vhostalias/v.iso",
        "page/index.html",
        "listed/HEAD.html",
        "listed/READ.html",
        "war/real.iso.md5",
        "war/q?.iso",
        "war/\u{fc}\u{4e2d}.iso",
    ] {
        stage.file(path, 10_000);
    }
    let tree = stage.site.tree();
    let outside = stage.site.path("outside");
    std::fs::create_dir_all(&outside).expect("a folder");
    std::fs::write(outside.join("o.iso"), b"outside ".repeat(1_000)).expect("a file");
    std::fs::create_dir(tree.join("links")).expect("a folder");
    for (target, link) in [
        ("../war/2.361/x.iso", "links/x.iso"),
        ("../war/2.361", "links/dir"),
        ("../../outside/o.iso", "links/out.iso"),
        ("../../outside", "links/outdir"),
        ("nothing", "links/dangling.iso"),
        ("loop.iso", "links/loop.iso"),
        ("tree", "../www"),
        ("tree/war", "../middle"),
    ] {
        symlink(target, tree.join(link)).expect("a link");
    }
    let rules = "RewriteEngine On\nRewriteRule ^stable/(.*)$ /war/2.361/$1 [L]\n\
                 RewriteRule ^newest\\.iso$ 1.iso [L]\nRewriteRule ^gone\\.iso$ - [G]\n";
    std::fs::write(tree.join("ht/.htaccess"), rules).expect("a file");
    // admin:secret
    let users = "admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    std::fs::write(stage.site.path("users"), users).expect("a file");
    stage.mirror("germany", ["de", "eu"]);
    // No mirror has these files yet.
    for path in ["war/2.361/new.iso", "other/2.361/new.iso", "twice/bb.iso"] {
        stage.file(path, 9_000);
    }
    stage.learn();
    stage
}

fn options(shipped: &'static str, before: &str) -> ApacheOptions {
    let host = |(name, directives, _): &Host| ((*name).to_owned(), (*directives).to_owned());
    ApacheOptions {
        shipped,
        before: before.to_owned(),
        hosts: HOSTS.iter().map(host).collect(),
        ..ApacheOptions::default()
    }
}

fn request(port: u16, host: &str, path: &str) -> Request {
    Request::get(port, path)
        .field(format!("Host: {host}.test"))
        .field("Authorization: Basic YWRtaW46c2VjcmV0")
}

/// All URLs of all hosts, some at a time: a stopped responder makes each wait for a second.
fn each(visit: impl Fn(&str, &Url) -> Result<(), String> + Sync) {
    let urls: Vec<(&str, &Url)> = HOSTS
        .iter()
        .flat_map(|(host, _, urls)| urls.iter().map(move |url| (*host, url)))
        .collect();
    let mut failed: Vec<String> = Vec::new();
    std::thread::scope(|scope| {
        let visit = &visit;
        let parts: Vec<_> = urls
            .chunks(urls.len().div_ceil(16))
            .map(|part| {
                let visit = move |(host, url): &(&str, &Url)| {
                    let failure = visit(host, url).err()?;
                    Some(format!("{host}: {}: {failure}", url.0))
                };
                scope.spawn(move || part.iter().filter_map(visit).collect::<Vec<_>>())
            })
            .collect();
        failed.extend(
            parts
                .into_iter()
                .flat_map(|part| part.join().expect("a visit")),
        );
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The same answer as Apache's alone.
pub fn same(ours: &Answer, plain: &Answer) -> Result<(), String> {
    if ours.status == plain.status && (ours.body == plain.body || plain.status >= 300) {
        return Ok(());
    }
    let length = plain.body.len();
    Err(format!(
        "alone {} with {length} bytes, here {ours:?}",
        plain.status
    ))
}

/// The same bytes, from the mirror or from Apache itself.
fn is_delivered(stage: &Stage, host: &str, url: &Url, must_redirect: bool) -> Result<(), String> {
    let (port, plain) = (stage.apache().port, stage.apache().plain_port);
    let plain = request(plain, host, url.0).send();
    let mut ours = request(port, host, url.0).send();
    // On a busy machine the second that Apache waits may be over.
    for _ in 0..TRIES {
        if !must_redirect || url.1.is_none() || ours.status == 302 {
            break;
        }
        same(&ours, &plain)?;
        ours = request(port, host, url.0).send();
    }
    let Some(path) = url.1.filter(|_| must_redirect || ours.status == 302) else {
        return same(&ours, &plain);
    };
    let base = stage.mirror_named("germany").http_port;
    let expected = format!("http://127.0.0.1:{base}/{path}");
    let location = ours.text("location");
    if ours.status != 302 || location != expected {
        return Err(format!("not redirected to {path}: {ours:?}"));
    }
    same(&Request::url(&location).send(), &plain)
}

/// Documents are about the file that Apache found, and the links to them lead there.
fn has_documents(stage: &Stage, host: &str, url: &Url) -> Result<(), String> {
    let Some(path) = url.1 else {
        return Ok(());
    };
    let content = std::fs::read(stage.site.tree().join(path)).expect("a file of the tree");
    let digest: String = Md5::digest(&content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let port = stage.apache().port;
    let ask = |path: &str| {
        let mut answer = request(port, host, path).send();
        for _ in 0..TRIES {
            if answer.status < 500 {
                break;
            }
            answer = request(port, host, path).send();
        }
        answer
    };
    let answer = ask(&format!("{}?md5", url.0));
    if !answer.body.starts_with(digest.as_bytes()) {
        return Err(format!("?md5 is not of {path}: {answer:?}"));
    }
    let redirect = ask(url.0);
    // Apache served the file because the second was over: there are no fields. And this host
    // rewrites the names that it has rewritten once more.
    if redirect.status != 302 || host == "perdirtwice" {
        return Ok(());
    }
    let link = redirect.text("link");
    let described = link.split(", ").find(|link| link.contains("metalink4"));
    let described = described.and_then(|link| link.split(['<', '>']).nth(1));
    let described = described.ok_or(format!("no metalink in {link}"))?;
    let metalink = ask(described.split_once(".test").map_or("", own_path));
    let hash = format!("<hash type=\"md5\">{digest}</hash>");
    if !String::from_utf8_lossy(&metalink.body).contains(&hash) {
        return Err(format!("{described} is not of {path}: {metalink:?}"));
    }
    Ok(())
}

/// Gives the path of a URL, behind the port.
fn own_path<'u>((_, rest): (&str, &'u str)) -> &'u str {
    rest.find('/').map_or("", |slash| &rest[slash..])
}

#[test]
fn what_apache_finds_is_the_file_of_the_request() {
    let mut stage = stage();
    stage.start_with(&options("mod_proxy_fcgi.conf", ""));
    each(|host, url| is_delivered(&stage, host, url, true));
    each(|host, url| has_documents(&stage, host, url));
    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::STOP);
    each(|host, url| is_delivered(&stage, host, url, false));
    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::CONT);
    let mut responder = stage.responder.take().expect("it runs");
    std::thread::scope(|scope| {
        // In the midst of the requests.
        let killer = scope.spawn(|| {
            responder.end(Signal::KILL);
        });
        each(|host, url| is_delivered(&stage, host, url, false));
        killer.join().expect("it was killed");
    });
    each(|host, url| is_delivered(&stage, host, url, false));
    // A directory with a password needs it here, too, and the error path is closed.
    for path in [
        "/war/2.361/x.iso",
        "/war/2.361/x.iso.md5",
        "/al/2.361/x.iso?md5",
    ] {
        let answer = stage.get(path).field("Host: protected.test").send();
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
}

#[test]
fn mod_fcgid_finds_the_same_files() {
    let mut stage = stage();
    let program = crate::stage::site::program_path("heliostat-fcgi");
    let script = format!("exec {program} --config {}", stage.site.config().display());
    let command = stage.site.script("responder", &script);
    let before = format!("Define HELIOSTAT_COMMAND \"{}\"\n", command.display());
    stage.start_apache(&options("mod_fcgid.conf", &before));
    each(|host, url| is_delivered(&stage, host, url, true));
    each(|host, url| has_documents(&stage, host, url));
    let command = stage.site.script("ends", "exit 1");
    let before = format!("Define HELIOSTAT_COMMAND \"{}\"\n", command.display());
    stage.start_apache(&options("mod_fcgid.conf", &before));
    each(|host, url| is_delivered(&stage, host, url, false));
}

/// Locations of nginx as operators have them; `{asks}` is what the shipped file says to copy.
const LOCATIONS: &str = "\
location /al/ { alias {tree}/war/; {asks} }
location /shadow/ { alias {tree}/other/; {asks} }
location /out/ { alias {home}/outside/; {asks} }
location /plain/ { alias {tree}/war/; }
location ~ ^/re/(.*)$ { alias {tree}/war/$1; {asks} }
error_page 404 /page/index.html;
location /now/ { rewrite ^/now/(.*)$ /war/2.361/$1 last; }
rewrite ^/current/(.*)$ /war/2.361/$1 last;
rewrite ^/latest\\.iso$ /war/2.361/x.iso last;
location /tf/ { try_files $uri @named; {asks} }
location @named { rewrite ^/tf/(.*)$ /war/2.361/$1 break; {asks} }
location ~ ^/tr/(.*)$ { try_files /war/2.361/$1 =404; {asks} }
location ~ ^/index/(.*)$ { alias {tree}/page/$1; {asks} }
location /front/ { try_files $uri $uri/ /plain/2.361/x.iso; {asks} }
location /nosl/ { alias {tree}/links/; disable_symlinks on; {asks} }
";

/// The URLs that nginx is asked for, each with the file of the tree that it must be redirected to.
const NGINX_URLS: &[Url] = &[
    ("/war/2.361/x.iso", X),
    ("/war/2.361/new.iso", None),
    ("/al/2.361/x.iso", X),
    ("/al/2.361/new.iso", None),
    ("/al/2.361/none.iso", None),
    ("/shadow/2.361/x.iso", Some("other/2.361/x.iso")),
    ("/out/o.iso", None),
    ("/out/none.iso", None),
    ("/plain/2.361/x.iso", None),
    ("/now/x.iso", X),
    ("/now/new.iso", None),
    ("/re/2.361/x.iso", X),
    ("/re/2.361/new.iso", None),
    ("/re/none.iso", None),
    ("/re/real.iso.md5", Some("war/real.iso.md5")),
    ("/re/2.361", None),
    ("/current/x.iso", X),
    ("/current/new.iso", None),
    ("/latest.iso", X),
    ("/links/x.iso", X),
    ("/links/out.iso", None),
    ("/tf/x.iso", None),
    ("/tf/none.iso", None),
    ("/tr/x.iso", None),
    ("/tr/none.iso", None),
    ("/index/", None),
    ("/front/none", None),
    ("/front/", None),
    ("/nosl/x.iso", None),
];

/// Both ways to a document of a file whose name must be encoded.
pub fn has_documents_of_odd_names(stage: &Stage, port: u16, urls: &[&str]) {
    let base = stage.mirror_named("germany").http_port;
    for url in urls {
        let answer = Request::get(port, *url).send();
        let location = answer.text("location");
        let is_redirected = location.starts_with(&format!("http://127.0.0.1:{base}/war/"));
        assert!(is_redirected, "{url}: {answer:?}");
        has_md5_documents(port, url, &Request::url(&location).send().body);
    }
}

/// Both ways to the MD5 document of a file lead to the digest of `content`.
pub fn has_md5_documents(port: u16, url: &str, content: &[u8]) {
    let digest = Md5::digest(content);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    for document in [".md5", "?md5"] {
        let answer = Request::get(port, format!("{url}{document}")).send();
        let is_its = answer.body.starts_with(digest.as_bytes());
        assert!(is_its, "{url}{document}: {answer:?}");
    }
}

#[test]
fn nginx_finds_the_same_files() {
    let mut stage =
        stage_with("local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"\n");
    stage.start_apache(&ApacheOptions::default());
    stage.start_responder();
    let server = start_nginx_with(&stage.site.path("."), LOCATIONS);
    let base = stage.mirror_named("germany").http_port;
    let check = |state: &str, must_redirect: bool| {
        for (url, path) in NGINX_URLS {
            let plain = Request::get(server.plain_port, url).send();
            let ours = Request::get(server.port, url).send();
            if let Some(path) = path.filter(|_| must_redirect) {
                let expected = format!("http://127.0.0.1:{base}/{path}");
                assert_eq!(ours.text("location"), expected, "{state} {url}: {ours:?}");
                let delivered = Request::url(&expected).send();
                assert!(same(&delivered, &plain).is_ok(), "{url}: {delivered:?}");
            } else {
                same(&ours, &plain).unwrap_or_else(|error| panic!("{state} {url}: {error}"));
            }
        }
    };
    check("up", true);
    for (url, path) in NGINX_URLS
        .iter()
        .filter_map(|(url, path)| Some((url, (*path)?)))
    {
        let content = std::fs::read(stage.site.tree().join(path)).expect("a file of the tree");
        has_md5_documents(server.port, url, &content);
    }
    has_documents_of_odd_names(&stage, server.port, &["/war/q%3F.iso", "/re/q%3F.iso"]);
    // A location without Heliostat has the files alone, and never one in place of a document.
    for url in [
        "/plain/2.361/x.iso.md5",
        "/out/o.iso.md5",
        "/al/2.361/none.iso.md5",
        "/war/2.361/none.iso?mirrorlist",
    ] {
        assert_eq!(Request::get(server.port, url).send().status, 404, "{url}");
    }
    for url in [
        "/nosl/x.iso.md5",
        "/nosl/x.iso?md5",
        "/nosl/x.iso?mirrorlist",
    ] {
        let answer = Request::get(server.port, url).send();
        assert!(answer.status >= 400, "{url}: {answer:?}");
    }
    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::STOP);
    check("stopped", false);
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    check("killed", false);
}
