//! Mirrors that send those who scan and probe them to where only this host can go.

use std::process::{Command, Output};

use crate::stand_in::http_site::{add, healthy, set_url, site_and_tree};
use crate::stand_in::odd_web::{OddWeb, status};
use crate::stand_in::probe_site;
use crate::stand_in::scan_site::{last_run, published};
use crate::stand_in::site::{TestSite, failure, program_path};

/// Places that no mirror on loopback may lead to, `{}` being the port of another service, and why.
const FORBIDDEN: [(&str, &str); 14] = [
    ("http://127.0.0.1:{}/pub/", "its port "),
    ("http://localhost:{}/pub/", "its port "),
    ("http://[::1]:{}/pub/", "its port "),
    ("http://2130706433:{}/pub/", "its port "),
    ("http://0x7f.1:{}/pub/?flushall", "its port "),
    ("//127.0.0.1:{}/pub/", "its port "),
    ("http://joe:secret@127.0.0.1:{}/pub/", "its port "),
    (
        "http://169.254.169.254/latest/",
        "its address is link-local",
    ),
    (
        "http://[::ffff:169.254.169.254]/",
        "its address is link-local",
    ),
    ("http://[64:ff9b::a9fe:a9fe]/", "its address is link-local"),
    ("http://10.0.0.1/pub/", "its address is private"),
    ("https://[fd00::1]/pub/", "its address is private"),
    ("http://0.0.0.0/pub/", "its address is special-purpose"),
    (
        "gopher://127.0.0.1:{}/_FLUSHALL",
        "what is no URL of a web server",
    ),
];

#[test]
fn a_scan_follows_no_mirror_to_other_services() {
    let (site, _tree) = site_and_tree("[site.test.scan]\ntimeout_s = 5");
    let inside = OddWeb::start(|asked| healthy(&asked.path));
    let port = inside.port().to_string();
    let id = add(&site, "m", "http://127.0.0.1:1/");
    for (place, why) in FORBIDDEN {
        let to = place.replace("{}", &port);
        let web = OddWeb::start(move |_| status("302 Found", &format!("Location: {to}\r\n")));
        set_url(&site, &web.url());
        let (code, error) = failure(&site.run("heliostat-scan", &["m"]));
        assert_eq!(code, Some(1), "{place}: {error}");
        assert!(error.contains(why), "{place}: {error}");
        assert!(!error.contains("secret"), "{error}");
        assert!(last_run(&site, id).error.contains(why), "{place}");
    }
    assert_eq!(inside.connections(), 0);
    assert!(published(&site, id).is_none());
}

#[test]
fn a_probe_follows_no_mirror_to_other_services() {
    let site = probe_site::site(probe_site::AT_ONCE);
    let inside = OddWeb::start(|asked| healthy(&asked.path));
    let port = inside.port().to_string();
    let mut webs = Vec::new();
    for (number, (place, _)) in FORBIDDEN.iter().enumerate() {
        let to = place.replace("{}", &port);
        let web = OddWeb::start(move |_| status("302 Found", &format!("Location: {to}\r\n")));
        probe_site::add(&site, &format!("m{number:02}"), &web.url(), |_| {});
        webs.push(web);
    }
    let (_, said) = probe_site::pass(&site, &[]);
    for (number, (place, why)) in FORBIDDEN.iter().enumerate() {
        let name = format!("m{number:02} ");
        let line = said.lines().find(|line| line.contains(&name));
        let line = line.unwrap_or_default();
        assert!(line.contains(why), "{place}: {said}");
        assert!(!line.contains("secret"), "{line}");
    }
    assert_eq!(inside.connections(), 0);
}

/// Two public hosts and loopback, all of them one process; each writes down what it is asked.
const SERVERS: &str = r#"
import http.server, os, socketserver, sys, threading
folder = os.environ["FOLDER"]
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
def make(name, target):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *rest):
            super().__init__(*rest, directory=folder + "/tree")
        def log_message(self, *rest):
            pass
        def send_head(self):
            with open(folder + "/asked", "a") as log:
                print(name, self.headers["Host"], self.path, file=log)
            if self.path.endswith("/.heliostat.json"):
                return self.send_error(404)
            for host, to in target.items():
                if self.headers["Host"] == host:
                    self.send_response(302)
                    self.send_header("Location", to + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return None
            return super().send_head()
    return Handler
targets = {"cdn.test": "http://far.test", "bad.test": "http://127.0.0.1",
           "named.test": "http://inside.test", "mixed.test": "http://mixed.test:80/x"}
for name, address in [("near", "45.45.45.45"), ("far", "46.46.46.46"), ("inside", "127.0.0.1")]:
    server = Server((address, 80), make(name, targets if name == "near" else {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
open(folder + "/ready", "w").close()
sys.stdin.read()
"#;

/// The redirector, in namespaces of its own, with hosts that have public addresses there.
const NETWORK: &str = r#"
set -e
mount --bind "$FOLDER/hosts" /etc/hosts
ip link set lo up
for address in 45.45.45.45 46.46.46.46; do ip address add $address/32 dev lo; done
sleep 1000 | python3 "$FOLDER/servers.py" &
while ! [ -e "$FOLDER/ready" ]; do sleep 0.1; done
"$SCAN" -v --all || echo "scan $?"
"$PROBE" -v || echo "probe $?"
"#;

const HOSTS: &str = "\
127.0.0.1 localhost inside.test mixed.test
45.45.45.45 cdn.test bad.test named.test mixed.test
46.46.46.46 far.test
";

fn in_namespaces(site: &TestSite) -> Output {
    std::fs::write(site.path("hosts"), HOSTS).expect("hosts");
    std::fs::write(site.path("servers.py"), SERVERS).expect("servers");
    let mut command = Command::new("unshare");
    command
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--map-root-user",
        ])
        .args(["sh", "-c", NETWORK])
        .env("FOLDER", site.path(""))
        .env("HELIOSTAT_CONFIG", site.config())
        .env("NO_COLOR", "1")
        .env("SCAN", program_path("heliostat-scan"))
        .env("PROBE", program_path("heliostat-probe"));
    command.output().expect("unshare starts")
}

#[test]
fn a_public_mirror_leads_to_public_hosts_alone() {
    let site = probe_site::site(probe_site::AT_ONCE);
    for name in ["cdn", "bad", "named", "mixed"] {
        probe_site::add(&site, name, &format!("http://{name}.test/"), |_| {});
    }
    let output = in_namespaces(&site);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let asked = std::fs::read_to_string(site.path("asked")).unwrap_or_default();
    assert!(asked.contains("near bad.test /"), "{said}\n{asked}");
    assert!(asked.contains("far far.test /"), "{said}\n{asked}");
    let inside: Vec<&str> = asked
        .lines()
        .filter(|line| line.starts_with("inside"))
        .collect();
    assert_eq!(inside, Vec::<&str>::new(), "{said}");
    let why = "which is not followed: its address is loopback, and the mirror's is not";
    for (name, to) in [
        ("bad", "http://127.0.0.1/"),
        ("named", "http://inside.test/"),
    ] {
        let told = said
            .lines()
            .filter(|line| line.contains(name) && line.contains(to) && line.contains(why));
        assert_eq!(told.count(), 2, "{name}, by scan and probe: {said}");
    }
    assert!(probe_site::is_alive(&site, "cdn"), "{said}");
}
