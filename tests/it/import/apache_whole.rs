//! `heliostat import apache` of a whole server: what is written is what Apache and we accept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::stand_in::folder::temporary_folder;
use crate::stand_in::site::{failure, program_path};

/// Modules of the server before and after.
const MODULES: [&str; 16] = [
    "mpm_event",
    "authz_core",
    "authz_host",
    "alias",
    "asis",
    "autoindex",
    "dir",
    "env",
    "headers",
    "mime",
    "proxy",
    "proxy_fcgi",
    "setenvif",
    "socache_shmcb",
    "status",
    "xsendfile",
];

/// A server with MirrorBrain as operators have it: two hosts of one tree, one of another.
const SERVER: &str = r#"
ServerRoot @HOME@
ServerName localhost
PidFile @HOME@/pid
ErrorLog @HOME@/error.log
Listen 127.0.0.1:65002
@MODULES@
LoadModule form_module /m/mod_form.so
LoadModule mirrorbrain_module /m/mod_mirrorbrain.so
LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" want:%{WANT}e give:%{GIVE}e \
r:%{MB_REALM}e %{X-MirrorBrain-Mirror}o %{MB_CONTINENT_CODE}e:%{MB_COUNTRY_CODE}e \
ASN:%{ASN}e P:%{PFX}e" combined_redirect
SetEnvIf Remote_Addr "^192\.0\.2\." GEOIP_COUNTRY_CODE=us
<Directory />
  Require all denied
</Directory>
Include hosts/*.conf
"#;

const HOSTS: [(&str, &str); 2] = [
    (
        "hosts/a.conf",
        r#"
<VirtualHost *:80>
  ServerName d.example.org
  ServerAlias download.example.org
  DocumentRoot @HOME@/tree
  DBDriver pgsql
  DBDParams "host=127.0.0.1 user=mb password=s3cret dbname=mb connect_timeout=5"
  CustomLog @HOME@/a.log combined_redirect
  CustomLog @HOME@/none.log combined_redirect env=MB_NOMIRROR
  MirrorBrainMetalinkPublisher "Oranges, Inc." http://juice.example.com
  MirrorBrainTorrentTrackerURL "udp://bt.example.org:8091/announce"
  MirrorBrainYumDir release=(5\.5|6\.0) arch=i586 yum/$1/i386 repodata/repomd.xml
  <Directory @HOME@/tree>
    Require all granted
    Options +Indexes +FollowSymLinks
    MirrorBrainEngine On
    MirrorBrainDebug Off
    FormGET On
    MirrorBrainMinSize 2048
    MirrorBrainExcludeUserAgent "rpm/4.4.2*"
    <Files "*.iso">
      MirrorBrainMinSize 1
      MirrorBrainExcludeUserAgent *APT-HTTP*
    </Files>
  </Directory>
  <Directory @HOME@/tree/off>
    MirrorBrainEngine Off
  </Directory>
</VirtualHost>
<VirtualHost *:8080>
  ServerName d.example.org
  DocumentRoot @HOME@/tree
  DBDParams "host=127.0.0.1 user=mb password=s3cret dbname=mb connect_timeout=6"
  <Directory @HOME@/tree>
    Require all granted
    MirrorBrainEngine On
    FormGET On
  </Directory>
</VirtualHost>
"#,
    ),
    (
        "hosts/b.conf",
        r#"
<VirtualHost *:80>
  ServerName other.example.org
  DocumentRoot @HOME@/www
  Alias /pub @HOME@/pub
  DBDParams "host=127.0.0.1 user=mb dbname=other"
  <IfModule mod_mirrorbrain.c>
  <Directory @HOME@/pub>
    Require all granted
    MirrorBrainEngine On
  </Directory>
  </IfModule>
</VirtualHost>
<VirtualHost *:8083>
  ServerName st.example.org
  <Location /server-status>
    SetHandler server-status
  </Location>
</VirtualHost>
"#,
    ),
];

struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    fn new() -> Server {
        let folder = temporary_folder();
        let server = Server { folder };
        for name in ["tree/off", "www", "pub", "hosts", "logs"] {
            fs::create_dir_all(server.path(name)).expect("made");
        }
        let load = |name: &str| {
            format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
        };
        let modules: String = MODULES.into_iter().map(load).collect();
        let home = server.path("").display().to_string();
        let home = home.trim_end_matches('/');
        for (name, text) in HOSTS.into_iter().chain([("httpd.conf", SERVER)]) {
            let text = text.replace("@HOME@", home).replace("@MODULES@", &modules);
            fs::write(server.path(name), text).expect("written");
        }
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn import(&self, more: &[&str]) -> Output {
        let mut command = Command::new(program_path("heliostat"));
        command
            .args(["import", "apache"])
            .arg(self.path("httpd.conf"));
        command.arg("--out").arg(self.path("out")).args(more);
        command.output().expect("it starts")
    }

    /// Where the copy of a file is.
    fn copy(&self, name: &str) -> PathBuf {
        let file = self.path(name);
        let below = file.strip_prefix("/").expect("absolute");
        self.path("out").join(below)
    }
}

#[test]
fn a_whole_server_is_converted_and_accepted() {
    let server = Server::new();
    let shown = server.import(&["--dry-run"]);
    assert!(shown.status.success(), "{:?}", failure(&shown));
    assert!(!server.path("out").exists());
    let said = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(!said.contains("s3cret"), "{said}");
    for part in [
        "-    MirrorBrainEngine On",
        "+tree = ",
        "MirrorBrainDebug is not carried over",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let made = server.import(&[]);
    assert!(made.status.success(), "{:?}", failure(&made));

    let config = server.path("out/heliostat.toml");
    let mut check = Command::new(program_path("heliostat"));
    check
        .arg("--config")
        .arg(&config)
        .args(["config", "--check"]);
    let checked = check.output().expect("it starts");
    assert!(checked.status.success(), "{:?}", failure(&checked));
    let written = fs::read_to_string(&config).expect("it is there");
    assert!(!written.contains("s3cret"), "{written}");
    let sites: Vec<&str> = written
        .lines()
        .filter(|line| line.starts_with("[site."))
        .collect();
    assert_eq!(
        sites,
        [
            "[site.mb]",
            "[site.mb.rules]",
            "[site.mb-2]",
            "[site.other]",
            "[site.other.rules]"
        ],
        "{written}"
    );
    let databases = written.lines().filter(|line| line.starts_with("database"));
    let databases: Vec<&str> = databases.collect();
    assert_eq!(databases[0], databases[1], "one tree, one database");
    assert_ne!(databases[0], databases[2]);
    assert!(written.contains("url_path = \"/pub\""), "{written}");

    installed(&server);
    accepted(&server);
    let again = server.import(&["--json"]);
    let (code, said) = failure(&again);
    assert_eq!(code, Some(2), "nothing of MirrorBrain is left: {said}");
}

/// Puts the copies in the place of the files, as the import says to.
fn installed(server: &Server) {
    for name in ["httpd.conf", "hosts/a.conf", "hosts/b.conf"] {
        fs::copy(server.copy(name), server.path(name)).expect("a copy");
    }
    let host = fs::read_to_string(server.path("hosts/a.conf")).expect("it is there");
    for line in [
        "    Define HELIOSTAT_MIN_SIZE 1",
        "    Define HELIOSTAT_LISTS \"mirrorlist|arch|release\"",
        "    SetEnv HELIOSTAT_SITE mb-2",
        "      SetEnv MirrorBrainMinSize \"1\"",
        "      SetEnv MirrorBrainExcludeUserAgent \"rpm/4.4.2*,*APT-HTTP*\"",
        "  CustomLog @HOME@/none.log combined_redirect \"expr=-n %{note:MB_NOMIRROR}\"",
    ] {
        let line = line.replace("@HOME@", &server.folder.path().display().to_string());
        assert!(
            host.lines().any(|found| found == line.trim_end()),
            "{line}: {host}"
        );
    }
}

/// Apache takes the converted files, with the shipped ones.
fn accepted(server: &Server) {
    let share = Path::new(env!("CARGO_MANIFEST_DIR")).join("apache-conf");
    let output = Command::new("/usr/sbin/apache2")
        .args(["-t", "-f"])
        .arg(server.path("httpd.conf"))
        .arg("-C")
        .arg(format!("Define HELIOSTAT_SHARE {}", share.display()))
        .output()
        .expect("Apache is installed; `scripts/test` does it");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}
