//! Apache with the hosts that are shipped, a plain one beside them, and the mirrors' hosts.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::port::{answers, free_port};
use super::process::Process;
use super::site::eventually;

/// The options with which Apache is started.
#[derive(Clone)]
pub struct ApacheOptions {
    /// Which of the shipped files.
    pub shipped: &'static str,
    /// Bytes from which on the responder is asked.
    pub min_size: u64,
    /// Directives before the shipped file.
    pub before: String,
    /// Directives after it.
    pub after: String,
    /// Further hosts: first label of the name, directives. `{tree}` and `{home}` are replaced.
    /// Each stands on both ports, once with Heliostat and once without; `{ask}` is what the
    /// <Directory> of a tree needs with Heliostat.
    pub hosts: Vec<(String, String)>,
}

impl Default for ApacheOptions {
    fn default() -> ApacheOptions {
        ApacheOptions {
            shipped: "mod_proxy_fcgi.conf",
            min_size: 4096,
            before: String::new(),
            after: String::new(),
            hosts: Vec::new(),
        }
    }
}

/// A running Apache.
pub struct Apache {
    _process: Process,
    /// The host with Heliostat.
    pub port: u16,
    /// A host with the same tree and without.
    pub plain_port: u16,
}

/// Modules of the shipped files, and what every Apache has.
const MODULES: [&str; 30] = [
    "mpm_event",
    "authz_core",
    "alias",
    "autoindex",
    "dir",
    "env",
    "setenvif",
    "headers",
    "mime",
    "proxy",
    "proxy_fcgi",
    "fcgid",
    "xsendfile",
    "asis",
    "remoteip",
    "deflate",
    "rewrite",
    "negotiation",
    "userdir",
    "vhost_alias",
    "authn_core",
    "authn_file",
    "auth_basic",
    "authz_user",
    "authz_host",
    "authz_owner",
    "access_compat",
    "socache_shmcb",
    "ssl",
    "http2",
];

/// Directories that a distribution keeps Apache's modules in.
const MODULE_DIRECTORIES: [&str; 2] = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"];

/// Loads a module that few of the tests need.
pub fn load_module(name: &str) -> String {
    let directories = MODULE_DIRECTORIES.map(Path::new);
    let modules = directories.iter().find(|directory| directory.is_dir());
    let modules = modules.expect("Apache is installed; `scripts/test` does it");
    format!(
        "LoadModule {name}_module {}/mod_{name}.so\n",
        modules.display()
    )
}

/// The files that are shipped.
pub fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("apache-conf")
        .join(name)
}

impl Apache {
    /// Starts Apache for the site in `folder`: its tree, its socket, its logs.
    pub fn start(folder: &Path, options: &ApacheOptions, mirrors: &[(u16, PathBuf)]) -> Apache {
        let (port, plain_port) = (free_port(), free_port());
        let conf = folder.join("httpd.conf");
        let text = configuration(folder, options, (port, plain_port), mirrors);
        std::fs::write(&conf, text).expect("a configuration");
        let log = std::fs::File::create(folder.join("apache.out")).expect("a log");
        let mut command = Command::new("apache2");
        command
            .arg("-f")
            .arg(&conf)
            .arg("-DFOREGROUND")
            .env("PATH", "/usr/sbin:/usr/bin:/bin");
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        let mut process = Process::start("apache2", &mut command);
        eventually("Apache answers", || {
            assert!(
                process.is_running(),
                "Apache ended: {}",
                std::fs::read_to_string(folder.join("apache.out")).unwrap_or_default()
            );
            answers(port)
        });
        Apache {
            _process: process,
            port,
            plain_port,
        }
    }
}

fn configuration(
    folder: &Path,
    options: &ApacheOptions,
    (port, plain_port): (u16, u16),
    mirrors: &[(u16, PathBuf)],
) -> String {
    let mut text = String::new();
    let modules = MODULE_DIRECTORIES
        .iter()
        .find(|directory| Path::new(directory).is_dir());
    let modules = modules.expect("Apache is installed; `scripts/test` does it");
    for module in MODULES {
        let _ = writeln!(text, "LoadModule {module}_module {modules}/mod_{module}.so");
    }
    let home = folder.display().to_string();
    let home = home.trim_end_matches('/');
    let share = shipped("");
    let _ = writeln!(
        text,
        "ServerName localhost\nServerRoot {home}\nPidFile {home}/httpd.pid\n\
         DefaultRuntimeDir {home}\nErrorLog {home}/error.log\nLogLevel warn\n\
         TypesConfig /etc/mime.types\nFcgidIPCDir {home}/fcgid\n\
         FcgidProcessTableFile {home}/fcgid.shm\n\
         StartServers 2\nServerLimit 4\nThreadsPerChild 32\nMaxRequestWorkers 128\n\
         Listen 127.0.0.1:{port}\nListen 127.0.0.1:{plain_port}\n\
         <Directory />\nRequire all denied\n</Directory>\n\
         Define HELIOSTAT_TREE {home}/tree\n\
         Define HELIOSTAT_SOCKET {home}/fcgi.sock\n\
         Define HELIOSTAT_SHARE {share}\n\
         Define HELIOSTAT_MIN_SIZE {min_size}\n\
         Define HELIOSTAT_ADDRESS 127.0.0.1:{port}\n\
         Define HELIOSTAT_LOG {home}/access.log\n\
         Define HELIOSTAT_TRUSTED_PROXY 127.0.0.1\n{before}",
        share = share.display().to_string().trim_end_matches('/'),
        min_size = options.min_size,
        before = options.before,
    );
    if rustix::process::geteuid().is_root() {
        text.push_str("User www-data\nGroup www-data\n");
    }
    let _ = writeln!(
        text,
        "Include {shipped}\n{after}",
        shipped = shipped(options.shipped).display(),
        after = options.after,
    );
    plain_host(&mut text, plain_port, &Path::new(home).join("tree"), "");
    further_hosts(&mut text, home, &options.hosts, (port, plain_port));
    for (port, directory) in mirrors {
        let _ = writeln!(text, "Listen 127.0.0.1:{port}");
        let log = format!("CustomLog {home}/mirror-{port}.log \"%>s %B %U\"\n");
        plain_host(&mut text, *port, directory, &log);
    }
    text
}

/// Hosts of a test, each with Heliostat and without.
fn further_hosts(
    text: &mut String,
    home: &str,
    hosts: &[(String, String)],
    (port, plain_port): (u16, u16),
) {
    for (name, directives) in hosts {
        let include = shipped("heliostat-host.conf");
        let plain = "<Directory {tree}>\nOptions +Indexes +FollowSymLinks\n\
                     AllowOverride None\nRequire all granted\n</Directory>\n";
        let include = format!("{plain}Include {}\n", include.display());
        let ask = format!("Include {}\n", shipped("heliostat-ask.conf").display());
        for (port, begin, ask) in [(port, &include[..], &ask[..]), (plain_port, plain, "")] {
            let root = match directives.contains("DocumentRoot") {
                true => "",
                false => "DocumentRoot {tree}\n",
            };
            let host = format!(
                "<VirtualHost 127.0.0.1:{port}>\nServerName {name}.test\n{root}{begin}\
                 {directives}\n</VirtualHost>\n"
            );
            let host = host
                .replace("{ask}", ask)
                .replace("{tree}", &format!("{home}/tree"));
            text.push_str(&host.replace("{home}", home));
        }
    }
}

/// A host as it is without Heliostat, with `more` directives.
fn plain_host(text: &mut String, port: u16, directory: &Path, more: &str) {
    let directory = directory.display();
    let _ = writeln!(
        text,
        "<VirtualHost 127.0.0.1:{port}>\nServerName download.example.org\n\
         DocumentRoot {directory}\n{more}\
         <Directory \"{directory}\">\nOptions +Indexes +FollowSymLinks\nAllowOverride None\n\
         Require all granted\n</Directory>\n</VirtualHost>"
    );
}
