//! The shipped hosts: what they need, HTTPS and HTTP/2, and what a proxy in front may say.

use std::path::Path;
use std::process::Command;

use crate::stage::site::eventually;
use crate::stage::{ApacheOptions, Request, Stage, load_module, shipped};

/// The mirrors of the stage speak http alone.
const RULES: &str = "[site.test.rules]\nhttps_to_http = \"always\"\n";

/// The own URL of a document, as a redirect names it.
fn described_by(answer: &crate::stage::Answer) -> String {
    let links = answer.all("link").join(", ");
    let link = links.split(", ").find(|link| link.contains("describedby"));
    let url = link.and_then(|link| link.split(['<', '>']).nth(1));
    url.unwrap_or_default().to_owned()
}

/// Modules that a host needs.
const MODULES: [&str; 12] = [
    "mpm_event",
    "authz_core",
    "alias",
    "env",
    "setenvif",
    "headers",
    "proxy",
    "proxy_fcgi",
    "xsendfile",
    "asis",
    "remoteip",
    "mime",
];

/// What `apachectl configtest` says with these modules and that folder of shared files.
fn configtest(stage: &Stage, modules: &[&str], share: &Path) -> (bool, String) {
    let modules: String = modules.iter().map(|name| load_module(name)).collect();
    let home = stage.site.path("").display().to_string();
    let text = format!(
        "{modules}ServerName localhost\nServerRoot {home}\nTypesConfig /etc/mime.types\n\
         ErrorLog {home}/error.log\nDefine HELIOSTAT_TREE {home}/tree\n\
         Define HELIOSTAT_SHARE {}\nDefine HELIOSTAT_LOG {home}/access.log\n\
         Define HELIOSTAT_TRUSTED_PROXY 192.0.2.1\nInclude {}\n",
        share.display(),
        shipped("mod_proxy_fcgi.conf").display()
    );
    let conf = stage.site.path("test.conf");
    std::fs::write(&conf, text).expect("a configuration");
    let mut command = Command::new("apache2");
    command
        .arg("-t")
        .arg("-f")
        .arg(&conf)
        .env("PATH", "/usr/sbin:/usr/bin:/bin");
    let output = command
        .output()
        .expect("Apache is installed; `scripts/test` does it");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn what_is_missing_stops_the_test_of_the_configuration() {
    let stage = Stage::new("");
    let share = shipped("mod_proxy_fcgi.conf")
        .parent()
        .expect("a folder")
        .to_owned();
    let (is_fine, said) = configtest(&stage, &MODULES, &share);
    assert!(is_fine, "{said}");
    for module in MODULES
        .into_iter()
        .filter(|name| !["mpm_event", "mime"].contains(name))
    {
        let others = MODULES.iter().copied().filter(|name| *name != module);
        let (is_fine, said) = configtest(&stage, &others.collect::<Vec<_>>(), &share);
        // Another module may need it, and says so first.
        let remedy = said.contains("a2enmod") && said.contains(&format!("mod_{module}"));
        assert!(
            !is_fine && (remedy || said.contains("undefined symbol")),
            "{module}: {said}"
        );
    }
    let other = stage.site.path("share");
    std::fs::create_dir(&other).expect("a folder");
    let shared = ["server", "host", "ask", "headers"].map(|name| format!("heliostat-{name}.conf"));
    for name in shared.iter().map(String::as_str).chain(["log-format.conf"]) {
        std::fs::copy(shipped(name), other.join(name)).expect("a copy");
    }
    let (is_fine, said) = configtest(&stage, &MODULES, &other);
    assert!(!is_fine && said.contains("local.asis is missing"), "{said}");
}

#[test]
fn a_trusted_proxy_alone_says_who_the_client_is_and_what_it_speaks() {
    let mut stage = Stage::new(RULES);
    stage.file("a.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.start_with(&ApacheOptions {
        before: "Define HELIOSTAT_TRUSTED_PROXY \"127.0.0.1 127.0.0.3\"\n".to_owned(),
        ..ApacheOptions::default()
    });
    stage.until_redirected("/a.iso");
    let ask = |from: &str, fields: &[&str]| {
        let request = stage.get("/a.iso").argument("--interface").argument(from);
        let request = fields
            .iter()
            .fold(request, |request, field| request.field(field));
        let url = described_by(&request.field("Host: download.example.org").send());
        url.split("://").next().unwrap_or_default().to_owned()
    };
    let client = "X-Forwarded-For: 10.1.2.3";
    for (from, fields, expected) in [
        ("127.0.0.1", &[][..], "http"),
        ("127.0.0.1", &["X-Forwarded-Proto: https"], "https"),
        ("127.0.0.1", &["X-Forwarded-Proto: HTTPS", client], "https"),
        (
            "127.0.0.1",
            &["X-Forwarded-Proto: https, https", client],
            "https",
        ),
        (
            "127.0.0.1",
            &["X-Forwarded-Proto: https, http", client],
            "http",
        ),
        ("127.0.0.1", &["X-Forwarded-Proto: http", client], "http"),
        ("127.0.0.1", &["X-Forwarded-Proto: httpsx"], "http"),
        ("127.0.0.3", &["X-Forwarded-Proto: https"], "https"),
        ("127.0.0.2", &["X-Forwarded-Proto: https"], "http"),
        ("127.0.0.2", &["X-Forwarded-Proto: https", client], "http"),
        (
            "127.0.0.2",
            &["X-Forwarded-Proto: https", "X-Forwarded-For: 127.0.0.1"],
            "http",
        ),
        (
            "127.0.0.2",
            &["HELIOSTAT-SCHEME: https", "HTTPS: on"],
            "http",
        ),
    ] {
        assert_eq!(ask(from, fields), expected, "{from} {fields:?}");
    }
    // A client of a private network behind the proxy keeps its address.
    eventually("the client's line", || {
        stage
            .access_log()
            .lines()
            .any(|line| line.starts_with("10.1.2.3 "))
    });
    repeats_no_name_but_its_own(&stage);
}

/// What is none of the host's names is in no link and no document.
fn repeats_no_name_but_its_own(stage: &Stage) {
    let other = stage.get("/a.iso").field("Host: evil.example").send();
    let port = stage.apache().port;
    let own = format!("http://download.example.org:{port}/a.iso.meta4");
    assert_eq!(described_by(&other), own, "{other:?}");
    let metalink = stage.get("/a.iso.meta4").field("Host: evil.example").send();
    assert!(!String::from_utf8_lossy(&metalink.body).contains("evil.example"));
    let list = stage
        .get("/a.iso?mirrorlist&json")
        .field("Host: evil.example")
        .send();
    assert!(
        !String::from_utf8_lossy(&list.body).contains("evil.example"),
        "{list:?}"
    );
}

#[test]
fn https_and_http2_share_the_rules_of_http() {
    let mut stage = Stage::new(RULES);
    stage.file("a.iso", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    let content = stage.file("new.iso", 20_000);
    stage.learn();
    let [key, certificate] = ["key.pem", "cert.pem"].map(|name| stage.site.path(name));
    let mut command = Command::new("openssl");
    command.args(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=download.example.org".split(' '),
    );
    command
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate);
    let made = command
        .output()
        .expect("openssl is installed; `scripts/test` does it");
    assert!(made.status.success(), "{made:?}");
    let port = crate::stage::free_port();
    stage.start_with(&ApacheOptions {
        before: format!(
            "Listen 127.0.0.1:{port}\nDefine HELIOSTAT_TLS_ADDRESS 127.0.0.1:{port}\n\
             Define HELIOSTAT_CERTIFICATE {}\nDefine HELIOSTAT_CERTIFICATE_KEY {}\n\
             SSLSessionCache none\n",
            certificate.display(),
            key.display()
        ),
        ..ApacheOptions::default()
    });
    stage.until_redirected("/a.iso");
    for version in ["--http1.1", "--http2"] {
        let get = |path: &str| {
            let request = Request::url(format!("https://127.0.0.1:{port}{path}"));
            request.argument("-k").argument(version).send()
        };
        let local = get("/new.iso");
        assert_eq!(
            (local.status, &local.body),
            (200, &content),
            "{version}: {local:?}"
        );
        let redirect = get("/a.iso");
        assert_eq!(redirect.status, 302, "{version}: {redirect:?}");
        let own = format!("https://127.0.0.1:{port}/a.iso.meta4");
        assert_eq!(described_by(&redirect), own, "{version}: {redirect:?}");
        assert_eq!(get("/a.iso.md5").status, 200, "{version}");
    }
    stage.responder = None;
    for version in ["--http1.1", "--http2"] {
        let request = Request::url(format!("https://127.0.0.1:{port}/new.iso"));
        let local = request.argument("-k").argument(version).send();
        assert_eq!(
            (local.status, &local.body),
            (200, &content),
            "{version}: {local:?}"
        );
    }
}
