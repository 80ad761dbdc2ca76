//! Mistakes of Apache's hosts, in a private Apache; and of an nginx in front.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::healthy::Clinic;
use crate::stand_in::site::TestSite;

/// Modules of the shipped files, and what every Apache has.
const MODULES: [&str; 13] = [
    "mpm_event",
    "authz_core",
    "alias",
    "asis",
    "autoindex",
    "dir",
    "env",
    "headers",
    "mime",
    "negotiation",
    "proxy",
    "proxy_fcgi",
    "setenvif",
];

/// Writes an Apache with one host as it should be, and an nginx that is no proxy.
pub fn set_up(site: &TestSite) {
    let home = site.path("");
    let home = home.display().to_string();
    let home = home.trim_end_matches('/');
    let modules = "/usr/lib/apache2/modules";
    let mut server = format!(
        "ServerRoot {home}\nServerName localhost\nPidFile {home}/httpd.pid\n\
         ErrorLog {home}/error.log\nUser www-data\nTypesConfig /etc/mime.types\n\
         DefaultRuntimeDir {home}\n\
         Listen 127.0.0.1:65000\n"
    );
    for name in MODULES.iter().chain(&["xsendfile"]) {
        server += &format!("LoadModule {name}_module {modules}/mod_{name}.so\n");
    }
    server += "Include download.conf\n";
    let host = format!(
        "Define HELIOSTAT_SHARE {home}/share\nDefine HELIOSTAT_TREE {home}/tree\n\
         Define HELIOSTAT_SOCKET {home}/fcgi.sock\nInclude share/heliostat-server.conf\n\
         <VirtualHost *:80>\n    ServerName download.example.org\n    \
         DocumentRoot \"${{HELIOSTAT_TREE}}\"\n    <Directory \"${{HELIOSTAT_TREE}}\">\n        \
         Options +Indexes +FollowSymLinks\n        Require all granted\n    </Directory>\n    \
         CustomLog {home}/access.log combined_redirect\n    \
         Include \"${{HELIOSTAT_SHARE}}/heliostat-host.conf\"\n</VirtualHost>\n"
    );
    let nginx = format!("error_log {home}/nginx.log;\npid {home}/nginx.pid;\nevents {{}}\n");
    for (name, text) in [
        ("httpd.conf", server),
        ("download.conf", host),
        ("nginx.conf", nginx),
    ] {
        fs::write(site.path(name), text).expect("written");
    }
    fs::create_dir(site.path("share")).expect("made");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("apache-conf");
    for entry in fs::read_dir(shipped).expect("it is there").flatten() {
        let to = site.path("share").join(entry.file_name());
        fs::copy(entry.path(), to).expect("copied");
    }
}

/// Writes something else in a file.
#[track_caller]
fn change(clinic: &Clinic, file: &str, from: &str, to: &str) {
    let path = clinic.path(file);
    let text = fs::read_to_string(&path).expect("it is there");
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replace(from, to)).expect("written");
}

#[test]
fn what_apache_refuses_is_named_with_the_remedy() {
    let clinic = Clinic::new();
    change(&clinic, "httpd.conf", "LoadModule headers_module", "#");
    let fixes = clinic.sees("apache-module", "mod_headers is not loaded");
    assert_eq!(fixes, ["a2enmod headers"]);
    set_again(&clinic);
    change(&clinic, "download.conf", "ServerName", "Nonsense");
    clinic.sees("apache-config", "Invalid command 'Nonsense'");
    set_again(&clinic);
    fs::remove_file(clinic.path("share/local.asis")).expect("removed");
    clinic.sees_and_mends("local-asis-missing", "share/local.asis");
    let made = fs::read(clinic.path("share/local.asis")).expect("it is there");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("apache-conf/local.asis");
    assert_eq!(made, fs::read(shipped).expect("it is there"));
}

fn set_again(clinic: &Clinic) {
    fs::remove_dir_all(clinic.path("share")).expect("removed");
    set_up(&clinic.site);
    assert_eq!(clinic.ids(), [""; 0]);
}

#[test]
fn modules_are_missed_where_our_files_are_not_included() {
    let clinic = Clinic::new();
    change(&clinic, "httpd.conf", "LoadModule asis_module", "#");
    change(&clinic, "httpd.conf", "Include download.conf", "");
    let ids = clinic.ids();
    assert_eq!(ids, ["apache-module", "host-missing"]);
}

#[test]
fn a_host_is_of_the_site_that_writes_the_tree_the_same() {
    let clinic = Clinic::new();
    let config = fs::read_to_string(clinic.site.config()).expect("it is there");
    let second = "[site.link]\ntree = \"link\"\ndatabase = \"test.sqlite\"\n\
                  geoip = [\"place.mmdb\"]\n";
    fs::write(clinic.site.config(), config + second).expect("written");
    symlink("tree", clinic.path("link")).expect("a link");
    let host = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    let (_, host) = host.split_once("<VirtualHost").expect("a host");
    let home = clinic.path("");
    let second = format!(
        "Define HELIOSTAT_TREE {}link\n<VirtualHost{}",
        home.display(),
        host.replace("download.example.org", "link.example.org")
    );
    let text = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    fs::write(clinic.path("download.conf"), text + &second).expect("written");
    assert_eq!(clinic.ids(), [""; 0]);
    // Both are shut out of the same database, which is told once.
    std::fs::write(clinic.path("test.sqlite-txid"), "1").expect("a file");
    assert_eq!(clinic.findings().0.len(), 1);
}

#[test]
fn hosts_that_ask_nobody_are_named_and_mended() {
    let clinic = Clinic::new();
    let include = "Include \"${HELIOSTAT_SHARE}/heliostat-host.conf\"";
    change(&clinic, "download.conf", include, "");
    // As Debian's sites-enabled has it. The link stays one.
    fs::rename(clinic.path("download.conf"), clinic.path("real.conf")).expect("moved");
    symlink("real.conf", clinic.path("download.conf")).expect("a link");
    clinic.sees_and_mends("host-without-heliostat", "download.example.org");
    assert!(clinic.path("download.conf").is_symlink());
    fs::remove_file(clinic.path("download.conf")).expect("removed");
    set_again(&clinic);
    // The second host is for https, and was forgotten.
    let second = "<VirtualHost *:443>\nServerName download.example.org\n\
                  DocumentRoot \"${HELIOSTAT_TREE}\"\nCustomLog l combined\n</VirtualHost>\n";
    let text = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    fs::write(clinic.path("download.conf"), text + second).expect("written");
    clinic.sees_and_mends("host-without-heliostat", "download.conf:15");
}

#[test]
fn a_tree_written_in_several_ways_is_named_and_mended() {
    let clinic = Clinic::new();
    symlink("tree", clinic.path("link")).expect("linked");
    let link = clinic.path("link").display().to_string();
    let root = "DocumentRoot \"${HELIOSTAT_TREE}\"";
    change(
        &clinic,
        "download.conf",
        root,
        &format!("DocumentRoot \"{link}\""),
    );
    let seen = clinic.mend_in_turn();
    assert_eq!(seen, ["directory-elsewhere", "tree-spelled-otherwise"]);
    set_again(&clinic);
    change(
        &clinic,
        "heliostat.toml",
        "tree = \"tree\"",
        "tree = \"link\"",
    );
    let seen = clinic.mend_in_turn();
    assert_eq!(seen, ["sendfile-path", "tree-spelled-otherwise"]);
    let text = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    assert!(
        text.contains(&format!("Define HELIOSTAT_TREE {link}\n")),
        "{text}"
    );
}

#[test]
fn another_socket_and_connections_that_are_not_kept_are_mended() {
    let clinic = Clinic::new();
    change(&clinic, "download.conf", "/fcgi.sock", "/other.sock");
    clinic.sees_and_mends("socket-elsewhere", "other.sock");
    let server = "share/heliostat-server.conf";
    change(&clinic, server, "enablereuse=on", "enablereuse=off");
    clinic.sees_and_mends("connections-not-kept", "enablereuse=on is not set");
}

#[test]
fn two_hosts_of_one_name_are_named_and_one_is_taken_out() {
    let clinic = Clinic::new();
    let text = fs::read_to_string(clinic.path("download.conf")).expect("it is there");
    let (_, host) = text.split_once("<VirtualHost").expect("a host");
    fs::write(
        clinic.path("download.conf"),
        format!("{text}<VirtualHost{host}"),
    )
    .expect("written");
    clinic.sees_and_mends("host-twice", "two hosts download.example.org");
}

#[test]
fn settings_of_a_host_that_surprise_are_mended() {
    let clinic = Clinic::new();
    let log = format!(
        "CustomLog {} combined_redirect",
        clinic.path("access.log").display()
    );
    change(&clinic, "download.conf", &log, "");
    clinic.sees_and_mends("log-missing", "has no access log");
    set_again(&clinic);
    let options = "Options +Indexes +FollowSymLinks";
    change(
        &clinic,
        "download.conf",
        options,
        &format!("{options} +MultiViews"),
    );
    clinic.sees_and_mends("multiviews", "download.conf:9");
    change(
        &clinic,
        "download.conf",
        &log,
        &format!("{log}\nAllowEncodedSlashes On"),
    );
    clinic.sees_and_mends("encoded-slashes", "decodes %2F");
    change(
        &clinic,
        "download.conf",
        &log,
        &format!("{log}\nAddEncoding x-zoo .zoo .pak"),
    );
    clinic.sees_and_mends("encoding-unknown", "calls .zoo, .pak an encoding");
    let config = fs::read_to_string(clinic.site.config()).expect("it is there");
    let smaller = format!("{config}[site.test.rules]\nmin_size = 100\n");
    fs::write(clinic.site.config(), smaller).expect("written");
    clinic.sees_and_mends("min-size", "`min_size` is 100");
}

#[test]
fn the_buffers_of_a_proxy_in_front_are_compared() {
    let clinic = Clinic::new();
    let proxy = "http {\nserver {\nlocation / {\nproxy_pass http://127.0.0.1:65000;\n}\n}\n}\n";
    let text = fs::read_to_string(clinic.path("nginx.conf")).expect("it is there");
    fs::write(clinic.path("nginx.conf"), text.clone() + proxy).expect("written");
    assert_eq!(clinic.ids(), [""; 0], "a page of memory is enough");
    let small = proxy.replace("location", "proxy_buffer_size 2k;\nlocation");
    fs::write(clinic.path("nginx.conf"), text + &small).expect("written");
    let fixes = clinic.sees("proxy-buffer", "nginx takes heads of 2048 bytes");
    let (edit, reload) = fixes[0].split_once(" && ").expect("two parts");
    assert_eq!(reload, "nginx -s reload");
    clinic.apply(edit);
    assert_eq!(clinic.ids(), [""; 0]);
}
