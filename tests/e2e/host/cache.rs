//! Caches of others in front of the shipped host, with their defaults: no client gets the redirect
//! or the list of another, and files that the host serves itself are kept.

use std::path::Path;
use std::process::Command;

use crate::stage::{
    Answer, ApacheOptions, Process, Request, Stage, free_port, load_module, start_server,
};

/// A cache that is asked in place of Apache.
struct Front {
    name: &'static str,
    /// Whether it keeps, by its defaults, a file of which the answer says no time.
    keeps: bool,
    port: u16,
    _process: Process,
}

/// Starts `program` in its own folder, which every user may write to.
fn start(stage: &Stage, name: &'static str, keeps: bool, make: Make) -> Front {
    let folder = stage.site.path(&format!("front-{name}"));
    std::fs::create_dir(&folder).expect("a folder");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&folder, open).expect("our own folder");
    let port = free_port();
    let mut command = make(&folder, stage.apache().port, port);
    let process = start_server(name, &mut command, port);
    Front {
        name,
        keeps,
        port,
        _process: process,
    }
}

/// Makes the command that starts a cache: its folder, the port of Apache, its own port.
type Make = fn(&Path, u16, u16) -> Command;

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("conf");
    std::fs::write(&path, text).expect("a configuration");
    path
}

fn varnish(folder: &Path, origin: u16, port: u16) -> Command {
    let text =
        format!("vcl 4.1;\nbackend default {{ .host = \"127.0.0.1\"; .port = \"{origin}\"; }}\n");
    let mut command = Command::new("varnishd");
    command.arg("-F").arg("-f").arg(write(folder, &text));
    command.args(["-a", &format!("127.0.0.1:{port}"), "-s", "malloc,32m", "-n"]);
    command.arg(folder.join("state"));
    command
}

fn squid(folder: &Path, origin: u16, port: u16) -> Command {
    let home = folder.display();
    let text = format!(
        "http_port 127.0.0.1:{port} accel defaultsite=download.example.org no-vhost\n\
         cache_peer 127.0.0.1 parent {origin} 0 no-query originserver\nhttp_access allow all\n\
         access_log none\ncache_log {home}/log\npid_filename {home}/pid\ncache_mem 32 MB\n\
         coredump_dir {home}\nnetdb_filename none\n"
    );
    let mut command = Command::new("squid");
    command.args(["-N", "-f"]).arg(write(folder, &text));
    command
}

fn nginx(folder: &Path, origin: u16, port: u16) -> Command {
    let home = folder.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {home}/{kind};"))
        .concat();
    let text = format!(
        "pid {home}/pid;\nerror_log {home}/log;\ndaemon off;\nevents {{}}\n\
         http {{ access_log off; {temporary}\nproxy_cache_path {home}/cache keys_zone=c:1m;\n\
         server {{ listen 127.0.0.1:{port}; location / {{\n\
         proxy_pass http://127.0.0.1:{origin}; proxy_set_header Host download.example.org;\n\
         proxy_cache c; proxy_cache_valid any 10m; }} }} }}\n"
    );
    let mut command = Command::new("nginx");
    command
        .arg("-e")
        .arg(folder.join("log"))
        .arg("-c")
        .arg(write(folder, &text));
    command
}

fn apache(folder: &Path, origin: u16, port: u16) -> Command {
    let home = folder.display();
    let modules = [
        "mpm_event",
        "authz_core",
        "proxy",
        "proxy_http",
        "cache",
        "cache_disk",
    ]
    .map(load_module)
    .concat();
    let user = match rustix::process::geteuid().is_root() {
        true => "User www-data\nGroup www-data\n",
        false => "",
    };
    let text = format!(
        "{modules}{user}ServerName front\nServerRoot {home}\nDefaultRuntimeDir {home}\n\
         PidFile {home}/pid\nErrorLog {home}/log\nListen 127.0.0.1:{port}\n\
         ProxyPreserveHost On\nProxyPass / http://127.0.0.1:{origin}/\n\
         CacheRoot {home}\nCacheEnable disk /\n"
    );
    let mut command = Command::new("apache2");
    command
        .arg("-DFOREGROUND")
        .arg("-f")
        .arg(write(folder, &text));
    command
}

/// A client of that address.
fn ask(front: &Front, url: &str, ip: &str) -> Request {
    Request::get(front.port, url)
        .field("Host: download.example.org")
        .from(ip)
}

const GERMAN: &str = "192.0.2.9";
const AMERICAN: &str = "198.51.100.9";

/// Redirects and lists are each client's own, however often they are asked for.
fn shares_nothing(front: &Front) {
    for _ in 0..2 {
        for (ip, mirror) in [(GERMAN, "germany"), (AMERICAN, "america")] {
            let answer = ask(front, "/dir/x.iso", ip).send();
            assert_eq!(
                (answer.status, answer.mirror()),
                (302, mirror.to_owned()),
                "{}: {answer:?}",
                front.name
            );
            assert!(answer.all("link").len() > 2, "{}: {answer:?}", front.name);
            let head = ask(front, "/dir/x.iso", ip).head().send();
            assert_eq!(
                (head.status, head.mirror()),
                (302, mirror.to_owned()),
                "{}: {head:?}",
                front.name
            );
        }
        let lists = [GERMAN, AMERICAN].map(|ip| ask(front, "/dir/x.iso.meta4", ip).send().body);
        assert!(
            !lists[0].is_empty() && lists[0] != lists[1],
            "{}",
            front.name
        );
        let metalink = ask(front, "/dir/x.iso", GERMAN).field("Accept: application/metalink4+xml");
        let metalink = metalink.send();
        assert!(
            metalink.body.starts_with(b"<?xml"),
            "{}: {metalink:?}",
            front.name
        );
    }
}

/// A file that no mirror has comes whole and in parts, and by its tag.
fn keeps_files(stage: &Stage, front: &Front) {
    let file = std::fs::read(stage.site.tree().join("dir/new.iso")).expect("a file of the tree");
    let asked = || stage.access_log().matches("GET /dir/new.iso ").count();
    let get = |change: fn(Request) -> Request| -> Answer {
        change(ask(front, "/dir/new.iso", GERMAN)).send()
    };
    let before = asked();
    let first = get(|request| request);
    for answer in [&first, &get(|request| request)] {
        assert!(
            answer.status == 200 && answer.body == file,
            "{}: {answer:?}",
            front.name
        );
    }
    if front.keeps {
        assert_eq!(asked(), before + 1, "{} keeps the file", front.name);
    }
    let part = get(|request| request.field("Range: bytes=10-19"));
    assert!(
        part.status == 206 && part.body == file[10..20],
        "{}: {part:?}",
        front.name
    );
    let tag = first.text("etag");
    let known = ask(front, "/dir/new.iso", AMERICAN).field(format!("If-None-Match: {tag}"));
    assert_eq!(known.send().status, 304, "{}", front.name);
}

#[test]
fn caches_in_front_keep_files_and_no_redirects() {
    let mut stage = Stage::new("");
    stage.file("dir/x.iso", 10_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.mirror("america", ["us", "na"]);
    stage.file("dir/new.iso", 9_000);
    stage.play();
    stage.until_redirected("/dir/x.iso");
    let fronts: [(&str, bool, Make); 4] = [
        ("varnish", true, varnish),
        ("squid", true, squid),
        ("nginx", true, nginx),
        ("apache", true, apache),
    ];
    for (name, keeps, make) in fronts {
        let front = start(&stage, name, keeps, make);
        shares_nothing(&front);
        keeps_files(&stage, &front);
    }
}

/// A host whose files may be kept for long.
const KEPT: &str = "<Location /dir>\nHeader always set Cache-Control \"public, max-age=99\"\n\
                    Header set Cache-Control \"public, max-age=98\"\n</Location>";

#[test]
fn redirects_are_not_kept_as_files_are() {
    let mut stage = Stage::new("");
    stage.file("dir/x.iso", 10_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.file("dir/new.iso", 9_000);
    stage.learn();
    stage.start_with(&ApacheOptions {
        hosts: vec![("kept".to_owned(), KEPT.to_owned())],
        ..ApacheOptions::default()
    });
    stage.until_redirected("/dir/x.iso");
    let answer = stage.get("/dir/x.iso").field("Host: kept.test").send();
    assert_eq!(answer.status, 302, "{answer:?}");
    assert_eq!(
        answer.all("cache-control"),
        ["private, no-cache"],
        "{answer:?}"
    );
    assert!(!answer.has("x-cache-control"), "{answer:?}");
    let answer = stage.get("/dir/new.iso").field("Host: kept.test").send();
    let alone = stage.plain("/dir/new.iso").field("Host: kept.test").send();
    assert_eq!(
        answer.all("cache-control"),
        alone.all("cache-control"),
        "{answer:?}"
    );
}
