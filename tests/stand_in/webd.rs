//! Real web servers on loopback for one test, all with the same tree.

use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::folder::temporary_folder;
use super::port::free_port;
use super::rsyncd::set_mode;
use super::site::{eventually, set_mtime};

/// A port may be taken between finding and using it.
const START_ATTEMPTS: u32 = 5;

/// A server with its own way of listing directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Apache's list without anything but names.
    ApachePlain,
    /// Apache's preformatted list; its pages have versions.
    ApacheFancy,
    /// Apache's table.
    ApacheTable,
    /// nginx.
    Nginx,
    /// nginx with rounded sizes.
    NginxRounded,
    /// nginx, JSON.
    NginxJson,
    /// nginx, XML.
    NginxXml,
    /// nginx with the fancyindex module.
    Fancyindex,
    /// lighttpd.
    Lighttpd,
    /// Caddy.
    Caddy,
    /// Python's module.
    Python,
}

/// A running server; it ends with the test.
pub struct Web {
    port: u16,
    child: Child,
    _home: tempfile::TempDir,
}

/// A mirror's tree that several servers offer.
pub struct Tree {
    folder: tempfile::TempDir,
}

impl Tree {
    /// An empty tree that everybody may read.
    pub fn new() -> Tree {
        let folder = temporary_folder();
        set_mode(folder.path(), 0o755);
        std::fs::create_dir(folder.path().join("pub")).expect("the tree");
        Tree { folder }
    }

    /// Where the files are.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("pub")
    }

    /// Writes a file with its directories; `mtime` in seconds since 1970.
    pub fn write(&self, path: impl AsRef<Path>, content: &[u8], mtime: u64) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
        std::fs::write(&file, content).expect("a file");
        set_mtime(&file, mtime);
    }

    /// Removes a file.
    pub fn remove(&self, path: impl AsRef<Path>) {
        std::fs::remove_file(self.path().join(path)).expect("the file was there");
    }
}

impl Web {
    /// Starts a server in zone `zone`; `more` goes into its configuration where it has one.
    pub fn start(kind: Kind, tree: &Tree, zone: &str, more: &str) -> Web {
        for _ in 0..START_ATTEMPTS {
            let home = temporary_folder();
            set_mode(home.path(), 0o777);
            let port = free_port();
            let mut command = command(kind, tree.folder.path(), home.path(), port, more);
            command
                .env("TZ", zone)
                .env("HOME", home.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                // Of its own group, so that its children end with it.
                .process_group(0);
            let mut child = command
                .spawn()
                .expect("the servers are installed by scripts/test");
            if answers(&mut child, port) {
                return Web {
                    port,
                    child,
                    _home: home,
                };
            }
        }
        panic!("{kind:?} does not start");
    }

    /// The base URL of the tree.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/pub/", self.port)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(id) = id {
            // One that ended meanwhile is as good.
            let _ = rustix::process::kill_process_group(id, Signal::KILL);
            let _ = kill_process(id, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn answers(child: &mut Child, port: u16) -> bool {
    let mut ended = false;
    eventually("the web server answers or ends", || {
        ended = child.try_wait().expect("it is ours").is_some();
        ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    !ended
}

fn command(kind: Kind, tree: &Path, home: &Path, port: u16, more: &str) -> Command {
    let (tree, home) = (tree.display().to_string(), home.display().to_string());
    let file = format!("{home}/server.conf");
    let text = match kind {
        Kind::ApachePlain | Kind::ApacheFancy | Kind::ApacheTable => {
            apache(kind, &tree, &home, port, more)
        }
        Kind::Lighttpd => lighttpd(&tree, port, more),
        Kind::Caddy => format!(
            "{{\nadmin off\nauto_https off\n}}\nhttp://:{port} {{\n\
             bind 127.0.0.1\nroot * {tree}\n{more}\nfile_server browse\n}}\n"
        ),
        Kind::Python => String::new(),
        _ => nginx(kind, &tree, &home, port, more),
    };
    std::fs::write(&file, text).expect("a configuration");
    let program = match kind {
        Kind::ApachePlain | Kind::ApacheFancy | Kind::ApacheTable => "apache2",
        Kind::Lighttpd => "lighttpd",
        Kind::Caddy => "caddy",
        Kind::Python => "python3",
        _ => "nginx",
    };
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("/usr/sbin:/usr/bin:{path}"));
    match kind {
        Kind::ApachePlain | Kind::ApacheFancy | Kind::ApacheTable => {
            command.args(["-DFOREGROUND", "-f", &file])
        }
        Kind::Lighttpd => command.args(["-D", "-f", &file]),
        Kind::Caddy => command.args(["run", "--adapter", "caddyfile", "--config", &file]),
        Kind::Python => command
            .args(["-m", "http.server", "--bind", "127.0.0.1"])
            .args(["--directory", &tree])
            .arg(port.to_string()),
        _ => command.args(["-e", &format!("{home}/error.log"), "-c", &file]),
    };
    command
}

fn apache(kind: Kind, tree: &str, home: &str, port: u16, more: &str) -> String {
    let options = match kind {
        Kind::ApacheFancy => "IndexOptions FancyIndexing NameWidth=* TrackModified",
        Kind::ApacheTable => "IndexOptions FancyIndexing HTMLTable VersionSort",
        _ => "",
    };
    let modules = [
        "mpm_event",
        "authz_core",
        "dir",
        "mime",
        "autoindex",
        "alias",
        "setenvif",
    ];
    let load =
        |name: &str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let modules: String = modules.into_iter().map(load).collect();
    let user = if rustix::process::geteuid().is_root() {
        "User www-data\nGroup www-data\n"
    } else {
        ""
    };
    format!(
        "{modules}ServerRoot {home}\nPidFile {home}/pid\nErrorLog {home}/error.log\n{user}\
         ServerName localhost\nTypesConfig /etc/mime.types\nListen 127.0.0.1:{port}\n\
         DocumentRoot {tree}\n<Directory />\nRequire all granted\n\
         Options Indexes FollowSymLinks\n</Directory>\n{options}\n{more}\n"
    )
}

fn nginx(kind: Kind, tree: &str, home: &str, port: u16, more: &str) -> String {
    let (load, index) = match kind {
        Kind::Fancyindex => (
            "load_module /usr/lib/nginx/modules/ngx_http_fancyindex_module.so;\n",
            "fancyindex on;",
        ),
        Kind::NginxRounded => ("", "autoindex on; autoindex_exact_size off;"),
        Kind::NginxJson => ("", "autoindex on; autoindex_format json;"),
        Kind::NginxXml => ("", "autoindex on; autoindex_format xml;"),
        _ => ("", "autoindex on; autoindex_localtime on;"),
    };
    let user = if rustix::process::geteuid().is_root() {
        "user www-data;\n"
    } else {
        ""
    };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .into_iter()
        .map(|name| format!("{name}_temp_path {home}/temp_{name};\n"))
        .collect();
    format!(
        "{load}{user}pid {home}/pid;\ndaemon off;\nworker_processes 1;\nevents {{}}\n\
         http {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n{temporary}\
         server {{ listen 127.0.0.1:{port}; root {tree}; {index}\n{more} }}\n}}\n"
    )
}

/// By default it refuses requests for names that are no UTF-8.
fn lighttpd(tree: &str, port: u16, more: &str) -> String {
    format!(
        "server.modules = ( \"mod_access\", \"mod_dirlisting\", \"mod_staticfile\" )\n\
         server.document-root = \"{tree}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\n\
         dir-listing.activate = \"enable\"\ndir-listing.encoding = \"utf-8\"\n\
         server.http-parseopts = ( \"url-invalid-utf8-reject\" => \"disable\" )\n{more}\n"
    )
}
