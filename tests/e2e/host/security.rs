//! A document about a file is as forbidden as the file, whatever forbids it.

use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::process::Signal;

use crate::stage::site::DOCUMENTS;
use crate::stage::{ApacheOptions, Request, Stage, start_lighttpd_with, start_nginx_with};

/// A file that rules forbid; a rule may have another one.
const FILE: &str = "/dir/secret.iso";

/// A small file: Apache asks only about its documents.
const SMALL: &str = "/dir/secret.txt";

/// Rules of Apache: first label of the host, directives, what they forbid.
const RULES: &[(&str, &str, &[&str])] = &[
    (
        "files",
        "<Files secret.iso>\nRequire all denied\n</Files>",
        &[FILE],
    ),
    (
        "filesglob",
        "<Files secret.*>\nRequire all denied\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "filesregex",
        "<Files ~ \"^secret\\.(iso|txt)$\">\nRequire all denied\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "filesmatch",
        "<FilesMatch \"\\.(iso|txt)$\">\nRequire all denied\n</FilesMatch>",
        &[FILE, SMALL],
    ),
    (
        "location",
        "<Location /dir/secret.iso>\nRequire all denied\n</Location>",
        &[FILE],
    ),
    (
        "locationbelow",
        "<Location /dir/>\nRequire all denied\n</Location>",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "locationmatch",
        "<LocationMatch \"^/dir/secret\\.(iso|txt)$\">\nRequire all denied\n\
        </LocationMatch>",
        &[FILE, SMALL],
    ),
    (
        "locationend",
        "<LocationMatch \"\\.(iso|txt)$\">\nRequire all denied\n</LocationMatch>",
        &[FILE, SMALL],
    ),
    (
        "directory",
        "<Directory {tree}/dir>\nRequire all denied\n</Directory>",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "directorymatch",
        "<DirectoryMatch \"/d.r(/|$)\">\nRequire all denied\n</DirectoryMatch>",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "directoryregex",
        "<Directory ~ \"^{tree}/d.r\">\nRequire all denied\n</Directory>",
        &[FILE, SMALL],
    ),
    (
        "directoryfiles",
        "<Directory {tree}/dir>\n<Files secret.iso>\nRequire all denied\n</Files>\n\
        </Directory>",
        &[FILE],
    ),
    (
        "everything",
        "<Directory {tree}>\nRequire all denied\n</Directory>\n\
        <Directory {tree}/open>\nRequire all granted\n</Directory>",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "htaccess",
        "<Directory {tree}/ht>\nAllowOverride All\n</Directory>",
        &["/ht/secret.iso", "/ht/closed/a.iso", "/ht/rewritten.iso"],
    ),
    (
        "address",
        "<Files secret.*>\nRequire ip 192.0.2.0/24\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "notaddress",
        "<Files secret.*>\n<RequireAll>\nRequire all granted\n\
        Require not ip 127.0.0.1\n</RequireAll>\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "none",
        "<Files secret.*>\n<RequireAll>\nRequire all granted\n<RequireNone>\n\
        Require ip 127\n</RequireNone>\n</RequireAll>\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "expression",
        "<Directory {tree}/dir>\n\
        Require expr \"! %{REQUEST_URI} =~ m#/secret\\.(iso|txt)$#\"\n</Directory>",
        &[FILE, SMALL],
    ),
    (
        "filename",
        "<Directory {tree}/dir>\n\
        Require expr \"! %{REQUEST_FILENAME} =~ m#/secret\\.(iso|txt)$#\"\n</Directory>",
        &[FILE, SMALL],
    ),
    // Without `$`: Apache makes such variables of the URL that the client sent alone, so that they
    // are the same for the document (docs/security.md).
    (
        "environment",
        "SetEnvIf Request_URI \"/secret\\.(iso|txt)\" closed\n\
        <Directory {tree}>\n<RequireAll>\nRequire all granted\nRequire not env closed\n\
        </RequireAll>\n</Directory>",
        &[FILE, SMALL],
    ),
    (
        "agent",
        "SetEnvIf User-Agent curl robot\n<Files secret.*>\n<RequireAll>\n\
        Require all granted\nRequire not env robot\n</RequireAll>\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "order",
        "<Files secret.*>\nOrder allow,deny\nDeny from all\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "ordernetwork",
        "<Files secret.*>\nOrder deny,allow\nDeny from 127\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "password",
        "<Files secret.*>\nAuthType Basic\nAuthName x\nAuthUserFile {home}/users\n\
        Require valid-user\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "passwordlocation",
        "<Location /dir/secret.iso>\nAuthType Basic\nAuthName x\n\
        AuthUserFile {home}/users\nRequire valid-user\n</Location>",
        &[FILE],
    ),
    (
        "passworddirectory",
        "<Directory {tree}/dir>\nAuthType Basic\nAuthName x\n\
        AuthUserFile {home}/users\nRequire user nobody\n</Directory>",
        &[FILE, SMALL, "/dir/"],
    ),
    // A login that cannot work: 500.
    (
        "broken",
        "<Directory {tree}/dir>\nAuthType Basic\nAuthName x\n\
        AuthUserFile {home}/nothing\nRequire valid-user\n</Directory>",
        &[FILE, SMALL],
    ),
    (
        "nolinks",
        "<Directory {tree}/links>\nOptions -FollowSymLinks\n</Directory>",
        &["/links/secret.iso", "/links/small.txt"],
    ),
    (
        "owner",
        "<Directory {tree}/links>\nOptions -FollowSymLinks +SymLinksIfOwnerMatch\n\
        </Directory>",
        &["/links/owned.iso"],
    ),
    (
        "forbid",
        "RewriteEngine On\nRewriteRule ^/dir/secret\\.(iso|txt)$ - [F]",
        &[FILE, SMALL],
    ),
    (
        "gone",
        "RewriteEngine On\nRewriteRule ^/dir/secret\\.(iso|txt)$ - [G]",
        &[FILE, SMALL],
    ),
    (
        "forbidhere",
        "<Directory {tree}/dir>\nRewriteEngine On\n\
        RewriteRule ^secret\\.(iso|txt)$ - [F]\n</Directory>",
        &[FILE, SMALL],
    ),
    (
        "referer",
        "RewriteEngine On\nRewriteCond %{HTTP_REFERER} !^http://ours/\n\
        RewriteRule \\.(iso|txt)$ - [F]",
        &[FILE, SMALL],
    ),
    ("redirect403", "Redirect 403 /dir/secret.iso", &[FILE]),
    ("redirectgone", "Redirect gone /dir/secret.iso", &[FILE]),
    (
        "redirectmatch",
        "RedirectMatch 403 \"/secret\\.(iso|txt)$\"",
        &[FILE, SMALL],
    ),
    (
        "if",
        "<If \"%{REQUEST_URI} =~ m#/secret\\.(iso|txt)$#\">\nRequire all denied\n</If>",
        &[FILE, SMALL],
    ),
    (
        "iffile",
        "<Directory {tree}/dir>\n<If \"%{REQUEST_FILENAME} =~ m#/secret\\.iso$#\">\n\
        Require all denied\n</If>\n</Directory>",
        &[FILE],
    ),
    (
        "alias",
        "Alias /al/ {tree}/dir/\n<Location /al/secret.iso>\nRequire all denied\n\
        </Location>",
        &["/al/secret.iso"],
    ),
    (
        "rewrite",
        "RewriteEngine On\nRewriteRule ^/now/(.*)$ /dir/$1\n\
        <Files secret.*>\nRequire all denied\n</Files>",
        &["/now/secret.iso", "/now/secret.txt"],
    ),
    (
        "method",
        "<Files secret.*>\nRequire method POST\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "limitexcept",
        "<Directory {tree}/dir>\n<LimitExcept POST>\nRequire all denied\n\
        </LimitExcept>\n</Directory>",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "local",
        "<Files secret.*>\n<RequireAll>\nRequire all granted\nRequire not local\n\
        </RequireAll>\n</Files>",
        &[FILE, SMALL],
    ),
    (
        "remoteaddress",
        "<Location /dir>\nRequire expr \"! %{REMOTE_ADDR} -ipmatch '127.0.0.0/8'\"\n\
        </Location>",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "rewriteaddress",
        "RewriteEngine On\nRewriteCond %{REMOTE_ADDR} ^127\\.\n\
        RewriteRule ^/dir/ - [F]",
        &[FILE, SMALL, "/dir/"],
    ),
    (
        "any",
        "<Files secret.*>\nAuthType Basic\nAuthName x\nAuthUserFile {home}/users\n\
        <RequireAny>\nRequire ip 192.0.2.1\nRequire user nobody\n</RequireAny>\n</Files>",
        &[FILE, SMALL],
    ),
    ("mode", "", &["/mode/closed.iso", "/mode/closed/a.iso"]),
    ("internal", "", &["/.heliostat/local", "/.heliostat/down"]),
];

fn stage(more: &str) -> Stage {
    let mut stage = Stage::new(more);
    for path in [
        "dir/secret.iso",
        "ht/secret.iso",
        "ht/closed/a.iso",
        "ht/rewritten.iso",
        "mode/closed.iso",
        "mode/closed/a.iso",
        "open/a.bin",
        "private/a.iso",
        "links/x.iso",
    ] {
        stage.file(path, 10_000);
    }
    stage.file("dir/secret.txt", 100);
    stage.file("links/x.txt", 100);
    let tree = stage.site.tree();
    for (target, link) in [
        ("x.iso", "links/secret.iso"),
        ("x.txt", "links/small.txt"),
        ("x.iso", "links/owned.iso"),
    ] {
        symlink(target, tree.join(link)).expect("a link");
    }
    // A link of somebody else's; nobody but root can make one, and to the owner it is allowed.
    if rustix::process::geteuid().is_root() {
        let owned = tree.join("links/owned.iso");
        std::os::unix::fs::lchown(owned, Some(65_534), None).expect("root may");
    }
    let closed = "<Files secret.iso>\nRequire all denied\n</Files>\nRewriteEngine On\n\
                  RewriteRule ^rewritten\\.iso$ - [F]\n";
    std::fs::write(tree.join("ht/.htaccess"), closed).expect("a file");
    std::fs::write(tree.join("ht/closed/.htaccess"), "Require all denied\n").expect("a file");
    std::fs::write(
        stage.site.path("users"),
        "admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n",
    )
    .expect("a file");
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    for (path, mode) in [("mode/closed.iso", 0o600), ("mode/closed", 0o700)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(tree.join(path), mode).expect("our own file");
    }
    stage
}

/// URLs of the file and of all that might tell of it.
fn urls(path: &str) -> Vec<String> {
    let Some(directory) = path.strip_suffix('/') else {
        let suffixes = DOCUMENTS
            .iter()
            .map(|document| format!("{path}.{document}"));
        let queries =
            ["md5", "mirrorlist", "meta4", "torrent"].map(|word| format!("{path}?{word}"));
        return suffixes.chain(queries).chain([path.to_owned()]).collect();
    };
    vec![
        format!("{directory}.mirrorlist"),
        format!("{path}?mirrorlist"),
        path.to_owned(),
    ]
}

/// Asks for all at once; returns what was answered with 200 or a redirect to a mirror.
fn leaks(port: u16, asked: &[(String, String)]) -> Vec<String> {
    std::thread::scope(|scope| {
        let parts: Vec<_> = asked
            .chunks(asked.len().div_ceil(16))
            .map(|part| {
                scope.spawn(move || {
                    let ask = |(host, path): &(String, String)| {
                        let request = Request::get(port, path).field(format!("Host: {host}.test"));
                        let accept = request.clone().field("Accept: application/metalink4+xml");
                        let is_file = !path.contains('?') && path.ends_with(".iso");
                        let asked = [Some(request), is_file.then_some(accept)];
                        let answers = asked.into_iter().flatten().map(|request| request.send());
                        let mut told =
                            answers.filter(|answer| [200, 206, 302, 304].contains(&answer.status));
                        told.next()
                            .map(|answer| format!("{host}: {path}: {answer:?}"))
                    };
                    part.iter().filter_map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("requests"))
            .collect()
    })
}

#[test]
fn what_apache_forbids_has_no_documents() {
    let mut stage = stage("[[site.test.directory]]\npath = \"private\"\ndocuments = false\n");
    let host = |(name, directives, _): &(&str, &str, &[&str])| {
        ((*name).to_owned(), (*directives).to_owned())
    };
    stage.start_with(&ApacheOptions {
        hosts: RULES.iter().map(host).collect(),
        ..ApacheOptions::default()
    });
    let of_rule = |(host, _, paths): &(&str, &str, &[&'static str])| {
        let host = (*host).to_owned();
        let urls = paths.iter().flat_map(|path| urls(path));
        urls.map(|url| (host.clone(), url)).collect::<Vec<_>>()
    };
    let asked: Vec<(String, String)> = RULES.iter().flat_map(of_rule).collect();
    let is_owner = !rustix::process::geteuid().is_root();
    let asked: Vec<_> = asked
        .into_iter()
        .filter(|(host, _)| host != "owner" || !is_owner)
        .collect();
    let (port, plain_port) = (stage.apache().port, stage.apache().plain_port);
    // The rules do forbid.
    let is_file = |(_, path): &&(String, String)| {
        let is_document = DOCUMENTS.iter().any(|document| path.ends_with(document));
        !is_document && !path.contains("/.heliostat/")
    };
    let files: Vec<_> = asked.iter().filter(is_file).cloned().collect();
    assert_eq!(leaks(plain_port, &files), Vec::<String>::new());
    let leaked = leaks(port, &asked);
    assert!(
        leaked.is_empty(),
        "of {}:\n{}",
        asked.len(),
        leaked.join("\n")
    );
    // Clients that are allowed get documents; also where a login is given.
    for (host, _, _) in RULES.iter().filter(|(host, _, _)| *host != "referer") {
        for path in [
            "/open/a.bin.md5",
            "/open/a.bin?md5",
            "/open/a.bin.mirrorlist",
        ] {
            let request = stage.get(path).field(format!("Host: {host}.test"));
            assert_eq!(request.send().status, 200, "{host}: {path}");
        }
    }
    for path in ["/dir/secret.iso.md5", "/dir/secret.txt.md5"] {
        let request = stage.get(path).field("Host: password.test");
        let answer = request
            .field("Authorization: Basic YWRtaW46c2VjcmV0")
            .send();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    no_documents_of_a_private_directory(&stage);
    // Nor does the way around a responder that is away lead there.
    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::KILL);
    let leaked = leaks(port, &files);
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}

/// Queries that name the file, for lists and for statistics.
fn questions(path: &str) -> Vec<String> {
    let name = path.trim_matches('/');
    let encoded = name.replace('/', "%2F");
    let hidden = name.replace('s', "%73");
    ["mirrorlist", "metalink"]
        .into_iter()
        .flat_map(|list| {
            [
                format!("/{list}?path={name}"),
                format!("/{list}?path=/{name}"),
                format!("/{list}?path=./open/..//{name}"),
                format!("/{list}?path={encoded}"),
                format!("/{list}?path={hidden}"),
                format!("/{list}?p%61th={name}&mirrorlist"),
                format!("/{list}?path=open/a.bin&p%61th={name}"),
                format!("/{list}?path=open/a.bin&path={name}"),
                format!("/{list}?path={name}&path="),
                format!("/{list}?country=de&path={name}&redirect=1"),
                format!("/{list}?path={name}&stats"),
                format!("/{list}?mirrorlist&path={name}%00"),
                format!("//{list}?path={name}"),
                format!("/open/../{list}?path={name}"),
            ]
        })
        .chain([format!("{path}?stats"), format!("{path}?stats=2026")])
        .collect()
}

#[test]
fn what_apache_forbids_has_no_lists_by_path_and_no_statistics() {
    let more = "[site.test.lists]\nenabled = true\n[site.test.stats]\npublic = true\n";
    let mut stage = stage(more);
    let host = |(name, directives, _): &(&str, &str, &[&str])| {
        ((*name).to_owned(), (*directives).to_owned())
    };
    stage.start_with(&ApacheOptions {
        before: "Define HELIOSTAT_LISTS \"mirrorlist|release|repo|arch|path\"\n".to_owned(),
        hosts: RULES.iter().map(host).collect(),
        ..ApacheOptions::default()
    });
    // Rules that look at the URL of the request, and aliases, know nothing of a path in a query.
    let is_of_url = |host: &str| ["environment", "referer", "alias", "rewrite"].contains(&host);
    let of_rule = |(host, _, paths): &(&str, &str, &[&'static str])| {
        let host = (*host).to_owned();
        let urls = paths.iter().filter(|path| !path.contains(".heliostat"));
        let urls = urls.flat_map(|path| questions(path));
        urls.map(|url| (host.clone(), url)).collect::<Vec<_>>()
    };
    let is_owner = !rustix::process::geteuid().is_root();
    let rules = RULES.iter().filter(|(host, ..)| !is_of_url(host));
    let rules = rules.filter(|(host, ..)| *host != "owner" || !is_owner);
    let asked: Vec<(String, String)> = rules.flat_map(of_rule).collect();
    let leaked = leaks(stage.apache().port, &asked);
    assert!(
        leaked.is_empty(),
        "{} of {}:\n{}",
        leaked.len(),
        asked.len(),
        leaked.join("\n")
    );
    // Where the list itself may be asked for.
    let is_open = |host: &str| !["referer", "everything"].contains(&host);
    for (host, ..) in RULES.iter().filter(|(host, ..)| is_open(host)) {
        for url in [
            "/mirrorlist?path=open/a.bin",
            "/mirrorlist?country=de&path=/open",
            "/metalink?path=open%2ea.bin&path2=&x",
            "/metalink?path=open/a.bin",
            "/mirrorlist?path=open/%61.bin&time=1",
        ] {
            let request = stage.get(url).field(format!("Host: {host}.test"));
            let expected = if url.contains("%2e") { 404 } else { 200 };
            let answer = request.send();
            assert_eq!(answer.status, expected, "{host}: {url}: {answer:?}");
        }
    }
}

/// `documents = false`: the file is redirected, and that is all that is told of it.
fn no_documents_of_a_private_directory(stage: &Stage) {
    let answer = stage.get("/private/a.iso").send();
    assert_eq!(answer.status, 302, "{answer:?}");
    assert!(!format!("{answer:?}").contains("describedby"), "{answer:?}");
    let accept = stage
        .get("/private/a.iso")
        .field("Accept: application/metalink4+xml");
    assert_eq!(accept.send().status, 302);
    for url in urls("/private/a.iso").iter().chain(&urls("/private/")) {
        let status = stage.get(url).send().status;
        let expected = match url.as_str() {
            "/private/a.iso" => 302,
            "/private/" => 200,
            _ => 404,
        };
        assert_eq!(status, expected, "{url}");
    }
}

/// Rules of nginx; each location that serves files has what the shipped one has.
const LOCATIONS: &str = "\
location ~ ^/a/.*\\.(iso|txt)$ { deny all; }
location = /b/secret.iso { deny all; }
location = /b/secret.txt { return 403; }
location ^~ /c/ { deny all; {asks} }
location ^~ /d/ { allow 192.0.2.0/24; deny all; {asks} }
location ^~ /e/ { auth_basic x; auth_basic_user_file {home}/users; {asks} }
location ^~ /f/ { if ($uri ~ secret) { return 403; } {asks} }
location ^~ /g/ { if ($http_user_agent ~ curl) { return 403; } {asks} }
location ^~ /h/ { valid_referers ours; if ($invalid_referer) { return 403; } {asks} }
location ~ ^/i/secret { auth_basic x; auth_basic_user_file {home}/users; }
location ~ ^/j/.*\\.(iso|txt)$ { internal; }
location ~* ^/k/.*\\.(ISO|TXT)$ { return 404; }
location ^~ /l/ { satisfy all; allow 127.0.0.1; auth_basic x; auth_basic_user_file {home}/users;
    {asks} }
location ^~ /al/ { alias {tree}/m/; location ~ secret { deny all; } {asks} }
location ~ ^/n/.*\\.(iso|txt)$ { expires 1d; }
if ($uri ~ \"^/o/secret\\.(iso|txt)$\") { return 403; }
location ^~ /p/ { deny 127.0.0.1; {asks} }
";

#[test]
fn what_nginx_forbids_has_no_documents() {
    let settings = "local_header = \"X-Accel-Redirect\"\nlocal_prefix = \"/.heliostat-local\"\n";
    let mut stage = Stage::new(settings);
    let folders = "abcdefghijklmnop".chars().map(String::from);
    for folder in folders.clone().chain(["open".to_owned()]) {
        stage.file(format!("{folder}/secret.iso"), 10_000);
        stage.file(format!("{folder}/secret.txt"), 100);
    }
    let users = "admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    std::fs::write(stage.site.path("users"), users).expect("a file");
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.start_responder();
    let server = start_nginx_with(&stage.site.path(""), LOCATIONS);
    let files = folders
        .map(|folder| folder.replace('m', "al"))
        .flat_map(|folder| ["iso", "txt"].map(|name| format!("/{folder}/secret.{name}")));
    let asked: Vec<(String, String)> = files
        // Its files are nginx's own, and forbidden to nobody.
        .flat_map(|file| {
            urls(&file)
                .into_iter()
                .filter(move |url| *url != file || !is_free(&file))
        })
        .map(|url| ("nginx".to_owned(), url))
        .filter(|(_, url)| !(is_free(url) && url.contains('?')))
        .collect();
    let leaked = leaks(server.port, &asked);
    assert!(
        leaked.is_empty(),
        "of {}:\n{}",
        asked.len(),
        leaked.join("\n")
    );
    let files: Vec<_> = asked
        .iter()
        .filter(|(_, url)| url.ends_with("/secret.iso"))
        .collect();
    assert!(files.len() > 14, "{files:?}");
    for url in [
        "/open/secret.iso.md5",
        "/open/secret.txt.md5",
        "/open/secret.iso.mirrorlist",
    ] {
        assert_eq!(Request::get(server.port, url).send().status, 200, "{url}");
    }
    let login = "Authorization: Basic YWRtaW46c2VjcmV0";
    for url in [
        "/e/secret.iso.md5",
        "/l/secret.txt.md5",
        "/e/secret.txt?md5",
    ] {
        let answer = Request::get(server.port, url).field(login).send();
        assert_eq!(answer.status, 200, "{url}: {answer:?}");
    }
}

/// Whether the location has no rule, only no Heliostat.
fn is_free(url: &str) -> bool {
    url.starts_with("/n/")
}

/// Rules of lighttpd.
const LIGHTTPD_RULES: &str = "\
server.modules += ( \"mod_alias\", \"mod_auth\", \"mod_authn_file\", \"mod_redirect\", \
    \"mod_rewrite\" )
alias.url = ( \"/al/\" => \"{tree}/g/\" )
url.access-deny = ( \"~\", \"b/secret.iso\", \"b/secret.txt\" )
$HTTP[\"url\"] =~ \"^/a/.*\\.(iso|txt)$\" { url.access-deny = ( \"\" ) }
$HTTP[\"url\"] =~ \"^/c/\" { url.access-deny = ( \"\" ) }
$HTTP[\"url\"] =~ \"^/d/\" { $HTTP[\"remote-ip\"] != \"192.0.2.0/24\" { \
    url.access-deny = ( \"\" ) } }
auth.backend = \"htpasswd\"
auth.backend.htpasswd.userfile = \"{home}/users\"
auth.require = ( \"/e/\" => ( \"method\" => \"basic\", \"realm\" => \"x\", \
    \"require\" => \"valid-user\" ) )
$HTTP[\"url\"] == \"/f/secret.iso\" { url.access-deny = ( \"\" ) }
$HTTP[\"url\"] =~ \"^/al/secret\" { url.access-deny = ( \"\" ) }
$HTTP[\"url\"] =~ \"^/h/\" { server.follow-symlink = \"disable\" }
url.rewrite-once = ( \"^/now/(.*)$\" => \"/c/$1\" )
$REQUEST_HEADER[\"User-Agent\"] =~ \"curl\" { $HTTP[\"url\"] =~ \"^/i/\" { \
    url.access-deny = ( \"\" ) } }
";

#[test]
fn what_lighttpd_forbids_has_no_documents() {
    let mut stage = Stage::new("local_header = \"X-LIGHTTPD-send-file\"\n");
    for folder in ["a", "b", "c", "d", "e", "f", "g", "i", "open"] {
        stage.file(format!("{folder}/secret.iso"), 10_000);
        stage.file(format!("{folder}/secret.txt"), 100);
    }
    symlink("open", stage.site.tree().join("h")).expect("a link");
    let users = "admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
    std::fs::write(stage.site.path("users"), users).expect("a file");
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.start_responder();
    let server = start_lighttpd_with(&stage.site.path(""), LIGHTTPD_RULES);
    let files = ["a", "b", "c", "d", "e", "f", "al", "h", "now", "i"]
        .iter()
        .flat_map(|folder| ["iso", "txt"].map(|name| format!("/{folder}/secret.{name}")));
    let files: Vec<String> = files.filter(|path| path != "/f/secret.txt").collect();
    let folders = ["/c/", "/d/", "/e/", "/now/", "/i/"].map(str::to_owned);
    let asked: Vec<(String, String)> = files
        .iter()
        .chain(&folders)
        .flat_map(|path| urls(path))
        .map(|url| ("lighttpd".to_owned(), url))
        .collect();
    // The rules do forbid.
    let of_files = |(_, url): &&(String, String)| files.contains(url) || folders.contains(url);
    let plain: Vec<_> = asked.iter().filter(of_files).cloned().collect();
    assert_eq!(leaks(server.plain_port, &plain), Vec::<String>::new());
    let leaked = leaks(server.port, &asked);
    assert!(
        leaked.is_empty(),
        "of {}:\n{}",
        asked.len(),
        leaked.join("\n")
    );
    for url in [
        "/open/secret.iso.md5",
        "/open/secret.txt?md5",
        "/open/secret.iso.mirrorlist",
        "/open.mirrorlist",
        "/open/?mirrorlist",
        "/f/secret.txt.md5",
    ] {
        let answer = Request::get(server.port, url).send();
        assert_eq!(answer.status, 200, "{url}: {answer:?}");
    }
    let login = "Authorization: Basic YWRtaW46c2VjcmV0";
    for url in [
        "/e/secret.iso.md5",
        "/e/secret.txt?md5",
        "/e.mirrorlist",
        "/e/?mirrorlist",
    ] {
        let answer = Request::get(server.port, url).field(login).send();
        assert_eq!(answer.status, 200, "{url}: {answer:?}");
    }
    // Nor does the way around a responder that is away lead there.
    stage
        .responder
        .as_ref()
        .expect("it runs")
        .signal(Signal::KILL);
    let leaked = leaks(server.port, &plain);
    assert!(leaked.is_empty(), "{}", leaked.join("\n"));
}
