//! The shipped hosts: what they need, HTTPS and HTTP/2, and what a proxy in front may say.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

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

/// Runs `apachectl configtest` with these modules and that folder of shared files.
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
    let shared =
        ["server", "host", "ask", "headers", "log"].map(|name| format!("heliostat-{name}.conf"));
    for name in shared.iter().map(String::as_str).chain(["log-format.conf"]) {
        std::fs::copy(shipped(name), other.join(name)).expect("a copy");
    }
    let (is_fine, said) = configtest(&stage, &MODULES, &other);
    assert!(!is_fine && said.contains("local.asis is missing"), "{said}");
}

#[test]
fn endings_of_the_operator_may_begin_with_a_digit() {
    let mut stage = Stage::new(RULES);
    stage.file("a.iso", 20_000);
    stage.file("tool.7run", 20_000);
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    stage.start_with(&ApacheOptions {
        before: "Define HELIOSTAT_SCRIPTS \"7run|php\"\n".to_owned(),
        ..ApacheOptions::default()
    });
    stage.until_redirected("/a.iso");
    assert_eq!(stage.get("/tool.7run").send().status, 200);
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

/// A name that is not the host's is in no link and no document.
fn repeats_no_name_but_its_own(stage: &Stage) {
    let other = stage.get("/a.iso").field("Host: evil.example").send();
    // The port is that of Apache's own redirects: of ServerName, not of the socket.
    let own = "http://download.example.org/a.iso.meta4";
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

/// The version of HTTP in which a server answers who asks for that one.
fn spoken(version: &str, url: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["-q", "-s", "-k", "-o", "/dev/null", "-w", "%{http_version}"]);
    let output = command.args([version, url]).output();
    let output = output.expect("curl is installed; `scripts/test` does it");
    String::from_utf8_lossy(&output.stdout).into_owned()
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
    for (version, expected) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let url = |path: &str| format!("https://127.0.0.1:{port}{path}");
        let get = |path: &str| {
            let request = Request::url(url(path));
            request.argument("-k").argument(version).send()
        };
        assert_eq!(spoken(version, &url("/a.iso")), expected);
        let local = get("/new.iso");
        assert_eq!(
            (local.status, &local.body),
            (200, &content),
            "{version}: {local:?}"
        );
        let redirect = get("/a.iso");
        assert_eq!(redirect.status, 302, "{version}: {redirect:?}");
        let own = url("/a.iso.meta4");
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

/// Hosts of operators, each with rules of its own around those that are shipped.
const OWN_HOSTS: [(&str, &str); 6] = [
    (
        "scripts",
        "<Directory {tree}>\nOptions +ExecCGI +Includes\nAddHandler cgi-script .cgi\n\
         AddHandler send-as-is .asis\n\
         AddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\n\
         DirectoryIndex run.cgi\n</Directory>\nScriptAlias /bin/ {tree}/cgi/bin/",
    ),
    (
        "files",
        "<FilesMatch \"\\.php$\">\nSetHandler cgi-script\n</FilesMatch>\n\
         <Directory {tree}>\nOptions +ExecCGI\n</Directory>",
    ),
    ("open", "<Location \"/\">\nRequire all granted\n</Location>"),
    ("spelling", "CheckSpelling On"),
    (
        "handlers",
        "ScriptAlias /bin/ {tree}/cgi/bin/\nAction own /bin/tool\nAddHandler own .foo\n\
         <Location /own/located.iso>\nSetHandler own\n</Location>\n\
         <Files named.iso>\nSetHandler own\n</Files>\n\
         <Directory {tree}/own/below>\nSetHandler own\n</Directory>",
    ),
    (
        "moves",
        "<Directory {tree}/odd>\nRewriteEngine On\n\
         RewriteRule ^100 /cgi/x.iso [R=302,L]\n</Directory>",
    ),
];

/// A stage whose tree has what Apache runs or takes apart.
fn stage_of_operators(before: &str) -> Stage {
    use std::os::unix::fs::PermissionsExt;

    let mut stage = Stage::new("");
    let script = "#!/bin/sh\necho \"Content-Type: text/plain\"\necho\necho ran \"$QUERY_STRING\"\n\
                  exit\n# a password\n";
    let parts = "Status: 200\nContent-Type: text/plain\nX-Part: yes\n\ntext\n";
    for (path, content, size) in [
        ("cgi/run.cgi", script, 9000),
        ("cgi/little.cgi", script, 0),
        ("cgi/run.php", script, 9000),
        ("cgi/little.php", script, 0),
        ("cgi/bin/tool", script, 9000),
        ("cgi/head.asis", parts, 9000),
        ("odd/100%.iso", "odd", 9000),
        ("odd/%00.iso", "odd", 9000),
        ("odd/a%2Fb.iso", "odd", 9000),
        ("odd/%zz", "odd", 9000),
        ("cgi/page.shtml", "<!--#echo var=\"SCRIPT_NAME\" -->", 9000),
        ("own/x.foo", script, 9000),
        ("own/little.foo", script, 0),
        ("own/located.iso", script, 9000),
        ("own/named.iso", script, 9000),
        ("own/below/x.iso", script, 9000),
        ("closed/x.iso", "closed", 9000),
        ("cgi/x.iso", "open", 9000),
    ] {
        let file = stage.site.tree().join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let content = format!("{content}{}\n", "#".repeat(size));
        std::fs::write(&file, content).expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("permissions");
    }
    std::fs::write(
        stage.site.tree().join("closed/.htaccess"),
        "Require all denied\n",
    )
    .expect("a file");
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    let modules: String = ["actions", "cgid", "include", "speling"]
        .map(load_module)
        .concat();
    let hosts = OWN_HOSTS.map(|(name, lines)| (name.to_owned(), lines.to_owned()));
    stage.start_with(&ApacheOptions {
        before: format!("{modules}{before}"),
        hosts: hosts.to_vec(),
        ..ApacheOptions::default()
    });
    stage
}

#[test]
fn what_apache_runs_is_neither_redirected_nor_sent() {
    let stage = stage_of_operators("");
    let apache = stage.apache();
    for (host, path) in [
        ("scripts", "/cgi/run.cgi"),
        ("scripts", "/cgi/run.cgi?a=b"),
        ("scripts", "/cgi/little.cgi?a=b"),
        ("scripts", "/cgi/"),
        ("scripts", "/cgi/?a=b"),
        ("scripts", "/bin/tool"),
        ("scripts", "/bin/tool?a=b"),
        ("scripts", "/cgi/head.asis"),
        ("scripts", "/cgi/page.shtml"),
        ("scripts", "/cgi/page.shtml?a=b"),
        ("files", "/cgi/run.php"),
        ("files", "/cgi/run.php?a=b"),
        ("files", "/cgi/little.php?a=b"),
    ] {
        let ask = |port| {
            let field = format!("Host: {host}.test");
            Request::get(port, path).field(field).send()
        };
        // Apache's own daemon for scripts answers 503 until it is there.
        eventually("scripts run", || ask(apache.plain_port).status != 503);
        let (plain, ours) = (ask(apache.plain_port), ask(apache.port));
        assert_eq!(ours.status, plain.status, "{host} {path}: {ours:?}");
        assert_eq!(ours.body, plain.body, "{host} {path}");
        let body = String::from_utf8_lossy(&ours.body);
        assert!(!body.contains("a password"), "{host} {path}: {body}");
    }
    // Nothing tells of the source.
    for path in ["/cgi/run.cgi.md5", "/cgi/run.cgi.zsync", "/bin/tool.md5"] {
        let answer = stage.get(path).field("Host: scripts.test").send();
        assert!(answer.status >= 400, "{path}: {answer:?}");
    }
}

#[test]
fn handlers_of_the_operator_keep_their_files() {
    let mut stage = stage_of_operators("");
    let field = "Host: handlers.test";
    stage.until_redirected("/cgi/x.iso");
    eventually("scripts run", || {
        let plain = Request::get(stage.apache().plain_port, "/bin/tool");
        plain.field(field).send().status != 503
    });
    for state in ["up", "killed"] {
        for path in [
            "/own/x.foo",
            "/own/x.foo?a=b",
            "/own/little.foo?a=b",
            "/own/located.iso",
            "/own/named.iso",
            "/own/named.iso?md5",
            "/own/below/x.iso",
        ] {
            let ask = |port| Request::get(port, path).field(field).send();
            let apache = stage.apache();
            let (plain, ours) = (ask(apache.plain_port), ask(apache.port));
            assert_eq!(plain.status, 200, "{state} {path}: {plain:?}");
            assert_eq!(ours.status, plain.status, "{state} {path}: {ours:?}");
            assert_eq!(ours.body, plain.body, "{state} {path}");
            let body = String::from_utf8_lossy(&ours.body);
            assert!(!body.contains("a password"), "{state} {path}: {body}");
        }
        stage.responder = None;
    }
    // The way that serves files serves no script: a client's own word names no file either.
    let secret = stage.site.tree().join("cgi/x.iso").display().to_string();
    let forged = stage.get("/own/located.iso").field(field);
    let forged = forged.field(format!("X-Heliostat-File: {secret}")).send();
    assert!(forged.body.starts_with(b"ran"), "{forged:?}");
}

#[test]
fn redirects_of_the_operator_name_the_port_that_apache_names() {
    let stage = stage_of_operators("");
    let apache = stage.apache();
    let [ours, plain] = [apache.port, apache.plain_port].map(|port| {
        let request = Request::get(port, "/odd/100%25.iso").field("Host: moves.test");
        request.send().text("location").to_owned()
    });
    assert_eq!(plain, "http://moves.test/cgi/x.iso");
    assert_eq!(ours, plain);
}

#[test]
fn rules_of_the_operator_around_ours_stay_as_they_are() {
    let before = "<Directory \"${HELIOSTAT_TREE}/closed\">\nAllowOverride All\n</Directory>\n";
    let stage = stage_of_operators(before);
    let ask = |host: &str, path: &str| {
        let secret = stage.site.config().display().to_string();
        stage
            .get(path)
            .field(format!("Host: {host}.test"))
            .field(format!("X-Heliostat-File: {secret}"))
            .send()
    };
    // `Require all granted` for everything opens none of the files beside the tree.
    for path in [
        "/.heliostat/local",
        "/.heliostat/local/",
        "/.heliostat/down",
        "/.heliostat/none",
    ] {
        for host in ["open", "spelling"] {
            let answer = ask(host, path);
            assert!(answer.status >= 400, "{host} {path}: {answer:?}");
        }
    }
    // A document is no misspelled name of its file.
    let answer = ask("spelling", "/cgi/x.iso.md5");
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = ask("spelling", "/cgi/X.iso");
    assert_eq!(answer.status, 301, "{answer:?}");
    // A file that .htaccess forbids stays forbidden.
    for path in ["/closed/x.iso", "/closed/x.iso.md5", "/closed/x.iso?md5"] {
        let answer = ask("spelling", path);
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
}

#[test]
fn names_with_a_percent_sign_that_is_no_code_have_documents() {
    let mut stage = stage_of_operators("");
    for path in ["100%25.iso", "%2500.iso", "a%252Fb.iso", "%25zz"] {
        let answer = stage.get(format!("/odd/{path}.md5")).send();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    // Nor does such a query cost anybody the file.
    stage.responder.as_mut().expect("it runs").end(Signal::KILL);
    let answer = stage.get("/cgi/x.iso?x=%00").send();
    assert_eq!(answer.status, 200, "{answer:?}");
    for query in ["md5&x=%00", "x=%00&%6dd5", "%6dd5=%00"] {
        let answer = stage.get(format!("/cgi/x.iso?{query}")).send();
        assert_eq!(answer.status, 503, "{query}: {answer:?}");
    }
}

#[test]
fn the_file_for_own_hosts_grants_nothing() {
    let text = std::fs::read_to_string(shipped("heliostat-host.conf")).expect("it is shipped");
    let tree = text.split("<Directory \"${HELIOSTAT_TREE}\">").nth(1);
    let tree = tree.and_then(|rest| rest.split("</Directory>").next());
    let tree = tree.expect("the directory of the tree");
    for word in ["Require", "AllowOverride", "Options"] {
        assert!(!tree.contains(word), "{word}: {tree}");
    }
}
