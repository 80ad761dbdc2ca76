//! nginx and lighttpd with the files that are shipped, their placeholders replaced.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::apache::shipped;
use super::port::{answers, free_port};
use super::process::Process;
use super::site::eventually;

/// A running web server.
pub struct Server {
    _process: Process,
    /// The host with Heliostat.
    pub port: u16,
    /// A host with the same tree and without.
    pub plain_port: u16,
    /// The second process, where one cannot be both.
    _plain: Option<Process>,
}

/// The shipped file with the site's tree and socket, and `more` replacements.
fn site_file(name: &str, folder: &Path, more: &[(&str, String)]) -> PathBuf {
    let mut text = std::fs::read_to_string(shipped(name)).expect("a shipped file");
    let tree = folder.join("tree").display().to_string();
    let socket = folder.join("fcgi.sock").display().to_string();
    let placeholders = [
        ("/srv/download", tree),
        ("/run/heliostat/fcgi.sock", socket),
    ];
    for (placeholder, own) in placeholders.iter().chain(more) {
        assert!(text.contains(placeholder), "{name} has {placeholder}");
        text = text.replace(placeholder, own);
    }
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a configuration");
    path
}

/// Starts a server and waits until it answers on its port.
pub fn start_server(name: &str, command: &mut Command, port: u16) -> Process {
    command.env("PATH", "/usr/sbin:/usr/bin:/bin");
    let mut process = Process::start(name, command);
    eventually(&format!("{name} answers"), || {
        assert!(process.is_running(), "{name} ended");
        answers(port)
    });
    process
}

/// Who the server runs as: itself must be able to read the folder.
fn user(directive: &str) -> String {
    if rustix::process::geteuid().is_root() {
        return directive.to_owned();
    }
    String::new()
}

/// Starts nginx.
pub fn start_nginx(folder: &Path) -> Server {
    start_nginx_with(folder, "")
}

/// Cuts the directives for each location of the tree out of the shipped file.
fn asks() -> String {
    let text = std::fs::read_to_string(shipped("nginx.conf")).expect("a shipped file");
    let part = text.split("# (1)").nth(1).expect("what is marked");
    let (_, lines) = part
        .split_once("alike.\n")
        .expect("the comment that explains it");
    lines.to_owned()
}

/// The same, with further directives in both hosts. `{tree}` and `{home}` are replaced; `{asks}` is
/// what a location with Heliostat has.
pub fn start_nginx_with(folder: &Path, more: &str) -> Server {
    let (port, plain_port) = (free_port(), free_port());
    let home = folder.display().to_string();
    let more = more
        .replace("{tree}", &format!("{home}/tree"))
        .replace("{home}", &home);
    let listen = format!(
        "listen 127.0.0.1:{port};\n{}",
        more.replace("{asks}", &asks())
    );
    let more = more.replace("{asks}", "");
    let site = site_file("nginx.conf", folder, &[("listen 80;", listen)]);
    let home = folder.display();
    let hosts = format!(
        "server {{ listen 127.0.0.1:{plain_port}; root {home}/tree; autoindex on; {more} }}\n\
         include {};\n",
        site.display()
    );
    Server {
        _process: nginx(folder, "nginx", &hosts, port),
        port,
        plain_port,
        _plain: None,
    }
}

/// Starts an nginx that passes everything on to another server, with the buffers that it has when
/// nothing is said; returns its port.
pub fn start_nginx_before(folder: &Path, port: u16) -> (Process, u16) {
    let own_port = free_port();
    let hosts = format!(
        "server {{ listen 127.0.0.1:{own_port}; location / {{ \
         proxy_pass http://127.0.0.1:{port}; }} }}\n"
    );
    (nginx(folder, "nginx-front", &hosts, own_port), own_port)
}

/// An nginx with those hosts.
fn nginx(folder: &Path, name: &str, hosts: &str, port: u16) -> Process {
    let home = folder.display();
    let mut text = format!(
        "{user}pid {home}/{name}.pid;\nerror_log {home}/error.log;\ndaemon off;\n\
         worker_processes 1;\nevents {{}}\nhttp {{\ninclude /etc/nginx/mime.types;\n\
         access_log off;\n",
        user = user("user www-data;\n"),
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        text.push_str(&format!("{kind}_temp_path {home}/temp_{name}_{kind};\n"));
    }
    text.push_str(&format!("{hosts}}}\n"));
    let conf = folder.join(format!("{name}-main.conf"));
    std::fs::write(&conf, text).expect("a configuration");
    let mut command = Command::new("nginx");
    command
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-c")
        .arg(&conf);
    start_server("nginx", &mut command, port)
}

/// Starts lighttpd, and a second one without Heliostat.
pub fn start_lighttpd(folder: &Path) -> Server {
    start_lighttpd_with(folder, "")
}

/// The same, with further directives for both. `{tree}` and `{home}` are replaced.
pub fn start_lighttpd_with(folder: &Path, more: &str) -> Server {
    let script = shipped("lighttpd.lua").display().to_string();
    let placeholder = "/usr/share/heliostat/lighttpd.lua";
    let site = site_file("lighttpd.conf", folder, &[(placeholder, script)]);
    let include = format!("include \"{}\"\n", site.display());
    let home = folder.display().to_string();
    let more = more
        .replace("{tree}", &format!("{home}/tree"))
        .replace("{home}", &home);
    let run = |name: &str, include: &str| {
        let port = free_port();
        let home = folder.display();
        let text = format!(
            "server.modules = ( \"mod_indexfile\", \"mod_access\" )\n\
             server.document-root = \"{home}/tree\"\nserver.bind = \"127.0.0.1\"\n\
             server.port = {port}\n{user}server.errorlog = \"{home}/error.log\"\n\
             mimetype.assign = ( \".iso\" => \"application/x-iso9660-image\" )\n\
             dir-listing.activate = \"enable\"\n{more}{include}\
             server.modules += ( \"mod_dirlisting\", \"mod_staticfile\" )\n",
            user = user("server.username = \"www-data\"\n"),
        );
        let conf = folder.join(name);
        std::fs::write(&conf, text).expect("a configuration");
        // Its own user writes there.
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("error.log"));
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        log.expect("a log")
            .set_permissions(open)
            .expect("our own log");
        let mut command = Command::new("lighttpd");
        command.arg("-D").arg("-f").arg(&conf);
        (start_server("lighttpd", &mut command, port), port)
    };
    let (process, port) = run("lighttpd-main.conf", &include);
    let (plain, plain_port) = run("lighttpd-plain.conf", "");
    Server {
        _process: process,
        port,
        plain_port,
        _plain: Some(plain),
    }
}
