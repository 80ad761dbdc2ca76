//! Where questions for products lead: the cases of bouncer's clients.

use regex::bytes::Regex;

use super::*;

const HOME: &str = "https://www.example/";

fn regex(text: &str) -> Option<Regex> {
    Some(Regex::new(text).expect("an expression"))
}

fn law() -> ProductLaw {
    let not_product = |text| ProductPattern {
        not_product: regex(text),
        ..ProductPattern::default()
    };
    ProductLaw {
        os: "win".to_owned(),
        language: "en-US".to_owned(),
        own_sites: vec![HOME.to_owned()],
        heartbeat: false,
        rules: vec![ProductRule {
            asked: ProductPattern {
                product: regex("^lantern-"),
                os: regex("^win"),
                ..not_product("-(msi|partial|complete)")
            },
            user_agent: regex(r"Windows NT 6\.[123]"),
            is_foreign: true,
            to: "lantern-lts-latest-ssl".to_owned(),
            to_os: Some(OsChange {
                when_product: regex("-stub"),
                when_user_agent: regex("Win64|WOW64"),
                os: "win64".to_owned(),
            }),
        }],
        handoffs: vec![HandoffRule {
            parameters: ["attribution_code", "attribution_sig"]
                .map(str::to_owned)
                .into(),
            url: "https://stub.example/".to_owned(),
            os: ["win", "win64", "win64-aarch64", "osx"]
                .map(str::to_owned)
                .into(),
            asked: not_product("-(partial|complete|msi|msix)"),
            own_site_content: "rta:".to_owned(),
        }],
        ..ProductLaw::default()
    }
}

fn table() -> ProductTable {
    let product = |name: &str, is_ssl_only, languages: &[&str], files: &[(&str, String)]| Product {
        name: name.to_owned(),
        is_ssl_only,
        languages: languages.iter().map(|text| (*text).to_owned()).collect(),
        locations: files
            .iter()
            .map(|(os, path)| ((*os).to_owned(), path.clone()))
            .collect(),
    };
    let files = |version: &str| {
        let exe = |os| format!("/lantern/{version}/{os}/:lang/Lantern Setup {version}.exe");
        let dmg = format!("/lantern/{version}/mac/:lang/Lantern {version}.dmg");
        [("win", exe("win32")), ("win64", exe("win64")), ("osx", dmg)]
    };
    let msi = "/lantern/9.1/win64/:lang/Lantern Setup 9.1.msi".to_owned();
    let mar = "/lantern/9.1/update/win64/:lang/lantern-9.1.complete.mar".to_owned();
    let products = [
        product("Lantern-9.1", false, &["de", "fr", "en-US"], &files("9.1")),
        product("Lantern-9.1-SSL", true, &[], &files("9.1")),
        product("Lantern-8.4lts-SSL", true, &[], &files("8.4lts")),
        product("Lantern-9.1-msi-SSL", true, &[], &[("win64", msi)]),
        product("Lantern-9.1-complete", false, &[], &[("win64", mar)]),
    ];
    let aliases = [
        ("lantern-latest", "Lantern-9.1"),
        ("lantern-latest-ssl", "Lantern-9.1-SSL"),
        ("lantern-msi-latest-ssl", "Lantern-9.1-msi-SSL"),
        ("lantern-new", "lantern-latest"),
        ("lantern-lts-latest-ssl", "Lantern-8.4lts-SSL"),
    ];
    ProductTable::new(
        products,
        aliases.map(|(alias, name)| (alias.into(), name.into())),
    )
}

/// Where a query leads, in short.
fn lead(query: &str, user_agent: &str, referer: &str) -> (String, &'static str) {
    let client = ProductClient {
        user_agent: user_agent.as_bytes(),
        referer: referer.as_bytes(),
    };
    let mut vary = ProductVary::default();
    let asked = ProductArguments::parse(query.as_bytes());
    let (lead, _) = asked.resolve((&law(), &table()), client, &mut vary);
    let text = match lead {
        ProductLead::Unnamed => "home".to_owned(),
        ProductLead::Handoff(url) => url,
        ProductLead::File(path) => path.to_string(),
        ProductLead::Nothing(_) => "404".to_owned(),
    };
    (text, vary.as_str())
}

#[test]
fn names_systems_and_languages_lead_to_files() {
    let dmg = "lantern/9.1/mac/de/Lantern 9.1.dmg";
    for (query, expected) in [
        ("", "home"),
        ("os=osx&lang=de", "home"),
        ("product=%20", "home"),
        ("product=lantern-latest&os=osx&lang=de", dmg),
        ("product=LANTERN-Latest-SSL&os=OSX&lang=de", dmg),
        ("product=lantern-latest&product=x&os=osx&lang=de", dmg),
        (
            "product=lantern-latest",
            "lantern/9.1/win32/en-US/Lantern Setup 9.1.exe",
        ),
        ("product=lantern-latest&lang=es", "404"),
        (
            "product=lantern-latest-ssl&lang=es",
            "lantern/9.1/win32/es/Lantern Setup 9.1.exe",
        ),
        ("product=lantern-latest&os=amiga", "404"),
        ("product=nope", "404"),
        ("product=lantern-9.1-complete&os=osx", "404"),
        (
            "product=lantern-new&os=win&lang=de",
            "lantern/9.1/win32/de/Lantern Setup 9.1.exe",
        ),
        ("product=lantern-latest&lang=%25", "404"),
        ("product=lantern%25", "404"),
        ("product=lantern-latest-ssl&os=win&lang=../../../x", "404"),
        (
            "product=lantern-9.1&lang=EN-us",
            "lantern/9.1/win32/en-US/Lantern Setup 9.1.exe",
        ),
    ] {
        assert_eq!(lead(query, "", "").0, expected, "{query}");
    }
}

#[test]
fn rules_give_old_systems_what_still_runs() {
    let old = "Mozilla/5.0 (Windows NT 6.1; rv:9.0)";
    let old_x64 = "Mozilla/5.0 (Windows NT 6.3; Win64; x64)";
    let lts = "lantern/8.4lts/win32/en-US/Lantern Setup 8.4lts.exe";
    let lts_x64 = "lantern/8.4lts/win64/en-US/Lantern Setup 8.4lts.exe";
    let now = "lantern/9.1/win32/en-US/Lantern Setup 9.1.exe";
    for (product, agent, referer, expected) in [
        ("lantern-latest&os=win", old, "", lts),
        ("lantern-stub&os=win", old_x64, "", lts_x64),
        ("lantern-latest&os=win", old_x64, "", lts),
        ("lantern-latest&os=win64", old_x64, "", lts_x64),
        (
            "lantern-msi-latest-ssl&os=win64",
            old,
            "",
            "lantern/9.1/win64/en-US/Lantern Setup 9.1.msi",
        ),
        (
            "lantern-9.1-complete&os=win64",
            old,
            "",
            "lantern/9.1/update/win64/en-US/lantern-9.1.complete.mar",
        ),
        (
            "lantern-latest&os=osx",
            old,
            "",
            "lantern/9.1/mac/en-US/Lantern 9.1.dmg",
        ),
        ("lantern-latest", "Mozilla/5.0 (Windows NT 10.0)", "", now),
        ("lantern-latest", "Mozilla/5.0 (Windows NT 611)", "", now),
        ("lantern-latest", old, "https://www.example/x", now),
        ("lantern-latest", old, "https://www-example/", lts),
        ("lantern-unknown&os=win", old, "", lts),
        ("unknown", old, "", "404"),
    ] {
        let (found, _) = lead(&format!("product={product}"), agent, referer);
        assert_eq!(found, expected, "{product} {agent} {referer}");
    }
    let vary = |product: &str, agent: &str| lead(&format!("product={product}"), agent, "").1;
    assert_eq!(vary("lantern-latest", old), "User-Agent, Referer");
    assert_eq!(vary("lantern-latest", ""), "User-Agent");
    assert_eq!(vary("lantern-latest&os=osx", old), "");
}

#[test]
fn some_questions_are_handed_to_another_host() {
    let signed = "attribution_code=source%3Da%20b&attribution_sig=s1";
    let query = format!("product=Lantern&os=win&{signed}");
    let expected = "https://stub.example/?attribution_code=source%3Da+b&attribution_sig=s1\
                    &lang=en-US&os=win&product=lantern";
    assert_eq!(lead(&query, "", "").0, expected);
    for query in [
        "product=Lantern&os=win&attribution_code=source%3Da%20b".to_owned(),
        format!("product=Lantern&os=linux64&{signed}"),
        format!("product=lantern-9.1-complete&os=win&{signed}"),
        format!("product=lantern-msi&os=win&{signed}"),
        format!("product=lantern-msix&os=win&{signed}"),
        format!("product=lantern-partial-9.0&os=win&{signed}"),
    ] {
        assert_eq!(lead(&query, "", "").0, "404", "{query}");
    }
    // content=rta:abc
    let coded = "product=Lantern&attribution_code=Y29udGVudD1ydGE6YWJj&attribution_sig=s";
    for (padding, referer, is_handed) in [
        ("", "", false),
        ("", "https://www.example/p", true),
        ("", "https://www.example", false),
        ("", "https://www.example.evil/", false),
    ] {
        let query = coded.replace("&attribution_sig", &format!("{padding}&attribution_sig"));
        let (found, vary) = lead(&query, "", referer);
        assert_eq!(found.starts_with("https://stub"), is_handed, "{referer}");
        assert!(vary.contains("Referer"));
    }
    // content=rta:a, with padding; and what is no code makes no demand.
    for (code, is_handed) in [("Y29udGVudD1ydGE6YQ..", false), ("%2A%2A", true)] {
        let query = format!("product=Lantern&attribution_code={code}&attribution_sig=s");
        assert_eq!(
            lead(&query, "", "").0.starts_with("https://stub"),
            is_handed,
            "{code}"
        );
    }
}
