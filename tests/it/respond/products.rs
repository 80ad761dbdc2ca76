//! Files by the names of products, from the socket: the cases of bouncer's clients, and the
//! commands that make products.

use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self, catalogue};
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;

use crate::stand_in::fcgi_client::{Answer, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually, failure};

const MTIME: u64 = 1_790_000_000;

const CONFIG: &str = "\
rules.min_size = 0
[site.test.products]
home = \"https://www.example/\"
own_sites = [\"https://www.example/\"]
heartbeat = true
[[site.test.product_rule]]
product = '^lantern-'
not_product = '-(msi|partial|complete)'
os = '^win'
user_agent = 'Windows NT 6\\.[123]'
foreign_referer = true
to = \"lantern-lts-latest-ssl\"
to_os = { when_product = '-stub', when_user_agent = 'Win64|WOW64', os = \"win64\" }
[[site.test.product_handoff]]
parameters = [\"attribution_code\", \"attribution_sig\"]
url = \"https://stub.example/\"
os = [\"win\", \"win64\", \"osx\"]
not_product = '-(partial|complete|msi|msix)'
";

const FILES: [&str; 4] = [
    "lantern/9.1/mac/de/Lantern 9.1.dmg",
    "lantern/9.1/mac/fr/Lantern 9.1.dmg",
    "lantern/9.1/win32/en-US/setup.exe",
    "lantern/8.4lts/win32/en-US/setup.exe",
];

/// Mirrors m1 (score 100, https too) and m2 (50) have all files but the French one, which m3 (25)
/// has alone.
fn build() -> TestSite {
    let site = TestSite::with_config(CONFIG);
    for file in FILES {
        site.write(file, b"content", MTIME);
    }
    site.run_ok("heliostat-index", &[]);
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let id = |path: &str| {
        let found = catalogue::find(&writer, path.as_bytes()).expect("the catalogue");
        found.expect("it is indexed").id.0
    };
    let ids = FILES.map(id);
    for (number, score) in [(1, 100), (2, 50), (3, 25)] {
        let record = MirrorRecord {
            id: MirrorId(number),
            base_url: format!("http://m{number}.example/pub/"),
            further_base_urls: match number {
                1 => vec!["https://m1.example/pub/".to_owned()],
                _ => Vec::new(),
            },
            enabled: true,
            alive: true,
            score,
            ..MirrorRecord::new(&format!("m{number}"))
        };
        let current = match number {
            3 => [ids[1]].into_iter().collect(),
            _ => [ids[0], ids[2], ids[3]].into_iter().collect(),
        };
        let held = Content {
            current,
            ..Content::default()
        };
        let origin = ContentOrigin {
            at: Timestamp(MTIME as i64),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        let stored = writer.transaction(|transaction| {
            mirror::insert(transaction, &record)?;
            content::publish(transaction, MirrorId(number), &held, &origin)
        });
        stored.expect("a mirror");
    }
    drop(writer);
    add_products(&site);
    site
}

fn add_products(site: &TestSite) {
    let add = |arguments: &[&str]| {
        let arguments = [&["product", "add"], arguments].concat();
        site.run_ok("heliostat", &arguments);
    };
    let mac = "osx=/lantern/9.1/mac/:lang/Lantern 9.1.dmg";
    let win = "win=lantern/9.1/win32/:lang/setup.exe";
    let languages = ["--language", "de", "--language", "en-US"];
    add(&[
        &["Lantern-9.1", "--location", mac, "--location", win],
        &languages[..],
    ]
    .concat());
    add(&[
        "Lantern-9.1-SSL",
        "--ssl-only",
        "--location",
        mac,
        "--location",
        win,
    ]);
    let lts = "win=lantern/8.4lts/win32/:lang/setup.exe";
    add(&["Lantern-8.4lts-SSL", "--ssl-only", "--location", lts]);
    for (alias, name) in [
        ("lantern-latest", "Lantern-9.1"),
        ("lantern-latest-ssl", "lantern-9.1-ssl"),
        ("lantern-new", "lantern-latest"),
        ("lantern-lts-latest-ssl", "Lantern-8.4lts-SSL"),
    ] {
        site.run_ok("heliostat", &["product", "alias", alias, name]);
    }
}

fn ask(responder: &Responder, query: &str, more: &[(&str, &str)]) -> Answer {
    let mut request = Request::get("/").query(query);
    for (name, value) in more {
        request = request.with(name, value);
    }
    responder.connect().send(&request)
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{answer:?}");
    answer.text("Location").expect("a Location")
}

#[test]
fn names_lead_to_files_at_mirrors() {
    let site = build();
    let responder = Responder::start(&site);
    let home = ask(&responder, "os=osx&lang=de", &[]);
    assert_eq!(location(&home), "https://www.example/");
    assert_eq!(home.text("Cache-Control"), None);

    let asked = "product=lantern-latest&os=osx&lang=de";
    let answer = ask(&responder, asked, &[]);
    let url = location(&answer);
    let file = "example/pub/lantern/9.1/mac/de/Lantern%209.1.dmg";
    assert!(url.starts_with("http://m") && url.ends_with(file), "{url}");
    let cache = answer.text("Cache-Control");
    assert_eq!(cache.as_deref(), Some("private, max-age=60"));
    assert_eq!(answer.text("Vary"), None, "no rule looked at anything");
    let secure = format!("https://m1.{file}");
    assert_eq!(
        location(&ask(&responder, asked, &[("HTTPS", "on")])),
        secure
    );
    let forged = location(&ask(
        &responder,
        asked,
        &[("HTTP_X_FORWARDED_PROTO", "https")],
    ));
    assert!(forged.starts_with("http://"), "{forged}");
    let ssl = "product=LANTERN-Latest-SSL&os=OSX&lang=de";
    assert_eq!(location(&ask(&responder, ssl, &[])), secure);

    let printed = ask(&responder, &format!("{ssl}&print=yes"), &[]);
    assert_eq!((printed.status, printed.body), (200, secure.into_bytes()));
    for print in ["1", "YES"] {
        location(&ask(&responder, &format!("{ssl}&print={print}"), &[]));
    }
    // A file that no mirror can give over https is fetched here.
    let own = location(&ask(
        &responder,
        "product=lantern-latest-ssl&os=osx&lang=fr",
        &[],
    ));
    assert_eq!(
        own,
        "https://download.example.org/lantern/9.1/mac/fr/Lantern%209.1.dmg"
    );
    for query in [
        "product=nope",
        "product=lantern-latest&os=amiga",
        "product=lantern-latest&lang=fr",
        "product=lantern-latest-ssl&lang=es",
        "product=lantern-latest-ssl&lang=../../../x",
        "product=lantern%25",
    ] {
        assert_eq!(ask(&responder, query, &[]).status, 404, "{query}");
    }
    let document = ask(&responder, &format!("{asked}&metalink"), &[]);
    assert_eq!(document.status, 200);
    let text = String::from_utf8(document.body).expect("UTF-8");
    assert!(text.contains("<file name=\"Lantern 9.1.dmg\">"), "{text}");
    // Other URLs are what they were.
    let file = Request::get(format!("/{}", FILES[0])).query(asked);
    let file = responder.connect().send(&file);
    assert_eq!(
        file.text("Cache-Control").as_deref(),
        Some("private, no-cache")
    );
}

#[test]
fn other_questions_stay_what_they_are() {
    let site = build();
    let responder = Responder::start(&site);
    assert_eq!(location(&ask(&responder, "", &[])), "https://www.example/");
    assert_eq!(
        ask(&responder, "mirrorlist", &[]).status,
        200,
        "the list of the tree"
    );
}

#[test]
fn rules_and_hand_offs_depend_on_the_client() {
    let site = build();
    let responder = Responder::start(&site);
    let old = ("HTTP_USER_AGENT", "Mozilla/5.0 (Windows NT 6.1; rv:9.0)");
    let answer = ask(&responder, "product=lantern-latest", &[old]);
    let lts = "https://m1.example/pub/lantern/8.4lts/win32/en-US/setup.exe";
    assert_eq!(location(&answer), lts);
    let vary = answer.text("Vary");
    assert_eq!(vary.as_deref(), Some("User-Agent, Referer"));
    let own = ("HTTP_REFERER", "https://www.example/x");
    let answer = ask(&responder, "product=lantern-latest", &[old, own]);
    assert!(location(&answer).contains("/9.1/win32/"), "{answer:?}");
    let signed = "product=Lantern&os=win&attribution_code=source%3Da%20b&attribution_sig=s1";
    let expected = "https://stub.example/?attribution_code=source%3Da+b&attribution_sig=s1\
                    &lang=en-US&os=win&product=lantern";
    assert_eq!(location(&ask(&responder, signed, &[])), expected);

    let url = "http://h/?product=lantern-new&os=osx&lang=DE";
    let text = site.run_ok("heliostat", &["explain", url, "--ip", "192.0.2.1"]);
    let line = "product    lantern-new, alias lantern-latest, is Lantern-9.1  osx  de";
    assert!(text.contains(line), "{text}");
    let json = site.run_ok(
        "heliostat",
        &["explain", "--json", url, "--ip", "192.0.2.1"],
    );
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["named"]["product"], "Lantern-9.1");
    assert_eq!(json["named"]["alias"], "lantern-latest");
}

#[test]
fn without_the_database_a_product_is_asked_for_again() {
    let site = build();
    let responder = Responder::start(&site);
    // Case B22 of the specification of bouncer.
    let beat = |path: &str| responder.connect().send(&Request::get(path));
    let paths = ["/__heartbeat__", "/__lbheartbeat__"];
    for path in paths {
        let answer = beat(path);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body, b"{\"db\":true,\"healthy\":true}\n");
        assert_eq!(answer.text("Cache-Control").as_deref(), Some("max-age=5"));
    }
    let version = beat("/__version__");
    let version: serde_json::Value = serde_json::from_slice(&version.body).expect("JSON");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(beat("/x__").status, 404);
    std::fs::rename(site.database(), site.path("away")).expect("moved");
    eventually("it is away", || {
        ask(&responder, "product=lantern-latest", &[]).status == 503
    });
    for path in paths {
        let answer = beat(path);
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(answer.body, b"{\"db\":false,\"healthy\":false}\n");
    }
}

#[test]
fn uptake_is_the_smallest_share_of_the_scores() {
    let site = build();
    let uptake = |arguments: &[&str]| {
        let output = site.run("heliostat", &[&["uptake", "--json"], arguments].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), json)
    };
    let add = [
        "product",
        "add",
        "w",
        "--location",
        "win=lantern/9.1/win32/:lang/setup.exe",
    ];
    site.run_ok("heliostat", &add);
    let (code, json) = uptake(&["w", "--min", "85"]);
    assert_eq!(
        (&json["available"], &json["total"]),
        (&150.into(), &175.into())
    );
    assert_eq!((code, &json["percent"]), (Some(0), &85.into()));
    assert_eq!(uptake(&["w", "--min", "86"]).0, Some(3));
    // Of the French file only m3 has a copy; of a language that is not there nobody.
    assert_eq!(uptake(&["lantern-latest-ssl"]).1["available"], 25);
    assert_eq!(uptake(&["lantern-latest"]).1["available"], 0);

    let switch = |min: &str| {
        let alias = [
            "product",
            "alias",
            "lantern-latest",
            "w",
            "--when-uptake",
            min,
        ];
        site.run("heliostat", &alias).status.code()
    };
    assert_eq!(switch("86"), Some(3));
    let listed = site.run("heliostat", &["product", "list"]);
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    assert!(
        listed.contains("lantern-latest -> Lantern-9.1\n"),
        "{listed}"
    );
    assert!(listed.contains("not in the catalogue: lantern/9.1/mac/en-US/Lantern 9.1.dmg"));
    assert_eq!(switch("85"), Some(0));
    let events = site.run_ok("heliostat", &["events"]);
    assert!(
        events.contains("alias lantern-latest stands for w"),
        "{events}"
    );
}

#[test]
fn a_bouncers_products_are_taken_over_once() {
    let site = build();
    let dump = "CREATE TABLE `mirror_products` (`id` int, `name` text, `ssl_only` int);\n\
                INSERT INTO `mirror_products` VALUES (1,'Old-1.0',1);\n\
                INSERT INTO `mirror_os` (`id`,`name`) VALUES (1,'win');\n\
                INSERT INTO `mirror_locations` (`id`,`product_id`,`os_id`,`path`) VALUES \
                (1,1,1,'/lantern/9.1/win32/:lang/setup.exe');\n\
                INSERT INTO `mirror_aliases` (`alias`,`related_product`) VALUES \
                ('old-latest','Old-1.0'),('lost','gone');\n";
    std::fs::write(site.path("bouncer.sql"), dump).expect("a dump");
    let path = site.path("bouncer.sql");
    let path = path.to_str().expect("UTF-8");
    let import =
        |more: &[&str]| site.run_ok("heliostat", &[&["product", "import", path], more].concat());
    let new = "1 products and 1 aliases are new or changed\n\
               not carried over: alias lost: there is no product gone\n";
    assert_eq!(import(&["--dry-run"]), new);
    assert_eq!(import(&[]), new);
    assert!(import(&[]).starts_with("0 products and 0 aliases"));
    let responder = Responder::start(&site);
    let url = location(&ask(&responder, "product=old-latest", &[]));
    assert_eq!(
        url,
        "https://m1.example/pub/lantern/9.1/win32/en-US/setup.exe"
    );
    std::fs::write(site.path("bouncer.sql"), "INSERT INTO `x` VALUES ('").expect("a dump");
    let (code, said) = failure(&site.run("heliostat", &["product", "import", path]));
    assert_eq!(code, Some(1));
    assert!(said.contains("statement 1 is cut off"), "{said}");
}

#[test]
fn bad_products_and_aliases_are_refused_in_one_line() {
    let site = build();
    for (arguments, code, text) in [
        (
            "alias Lantern-9.1 lantern-latest",
            2,
            "is the name of a product",
        ),
        ("alias x nope", 1, "there is no product 'nope'"),
        (
            "alias lantern-latest lantern-new",
            2,
            "comes back to the alias",
        ),
        ("alias gone --remove", 1, "there is no alias 'gone'"),
        ("rm gone", 1, "there is no product 'gone'"),
        ("add lantern-latest --location win=x", 2, "is an alias"),
        ("add a --location win", 2, "write it as OS=PATH"),
        ("add a --location win=../x", 2, "has no path below the tree"),
        (
            "add a --location win=x --language ../x",
            2,
            "is no language",
        ),
    ] {
        let words: Vec<&str> = ["product"]
            .into_iter()
            .chain(arguments.split(' '))
            .collect();
        let (found, said) = failure(&site.run("heliostat", &words));
        assert_eq!(found, Some(code), "{arguments}: {said}");
        assert!(
            said.contains(text) && said.trim_end().lines().count() == 1,
            "{said}"
        );
    }
    let dry = ["product", "rm", "Lantern-9.1", "--dry-run", "--json"];
    let dry = site.run_ok("heliostat", &dry);
    assert!(dry.contains("\"dry_run\": true"), "{dry}");
    let before = site.run("heliostat", &["product", "list", "--json"]).stdout;
    let again = ["product", "alias", "lantern-latest", "Lantern-9.1"];
    assert_eq!(site.run_ok("heliostat", &again), "nothing to change\n");
    assert_eq!(
        site.run("heliostat", &["product", "list", "--json"]).stdout,
        before
    );
}
