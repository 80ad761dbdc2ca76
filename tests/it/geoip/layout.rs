//! Where a client is, whatever the layout of the GeoIP files.

use serde_json::Value;

use crate::stand_in::mmdb::{self, Item, Side};
use crate::stand_in::site::TestSite;

use Item::{Bool, Double, Float, List, Map, Raw, Signed, Text, Unsigned};

/// Reads the client's place from `explain`.
fn client(site: &TestSite) -> Value {
    let output = site.run(
        "heliostat",
        &["explain", "/x", "--ip", "192.0.2.7", "--json"],
    );
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    value["client"].clone()
}

fn site_with(files: &[&[u8]]) -> TestSite {
    let names: Vec<String> = (1..=files.len()).map(|n| format!("\"{n}.mmdb\"")).collect();
    let site = TestSite::with_config(&format!("geoip = [{}]", names.join(", ")));
    for (number, content) in (1..).zip(files) {
        std::fs::write(site.path(&format!("{number}.mmdb")), content).expect("a file");
    }
    heliostat::db::open_writer(&site.database()).expect("a database");
    site
}

/// The facts and the fields that told them: `de=country.iso_code eu=… 1,2=… 64500=…`.
fn facts(client: &Value) -> String {
    let shown = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let at = format!("{},{}", client["latitude"], client["longitude"]);
    let facts = [
        ("country", shown(&client["country"])),
        ("continent", shown(&client["continent"])),
        ("coordinates", at),
        ("asn", shown(&client["asn"])),
    ];
    let told = &client["told_by"];
    let facts = facts.iter().filter(|(_, value)| !value.contains("null"));
    let facts = facts.map(|(name, value)| format!("{value}={}", shown(&told[name]["field"])));
    facts.collect::<Vec<_>>().join(" ")
}

/// Who made the file, a record, and what it tells.
type Case = (&'static str, Item, &'static str);

fn of_makers() -> Vec<Case> {
    let names = || Map(vec![("de", Text("Deutschland")), ("en", Text("Germany"))]);
    vec![
        (
            "MaxMind's City",
            Map(vec![
                ("city", Map(vec![("names", names())])),
                (
                    "continent",
                    Map(vec![("code", Text("EU")), ("names", names())]),
                ),
                (
                    "country",
                    Map(vec![("iso_code", Text("DE")), ("names", names())]),
                ),
                (
                    "location",
                    Map(vec![
                        ("accuracy_radius", Unsigned(100)),
                        ("latitude", Double(52.5)),
                        ("longitude", Double(13.4)),
                    ]),
                ),
                (
                    "subdivisions",
                    List(vec![Map(vec![("iso_code", Text("BE"))])]),
                ),
            ]),
            "de=country.iso_code eu=continent.code 52.5,13.4=location.latitude",
        ),
        (
            "Geo Open",
            Map(vec![(
                "country",
                Map(vec![
                    ("iso_code", Text("LU")),
                    ("AutonomousSystemNumber", Text("2602")),
                    ("AutonomousSystemOrganization", Text("RESTENA")),
                ]),
            )]),
            "lu=country.iso_code eu=country.iso_code 2602=country.AutonomousSystemNumber",
        ),
    ]
}

fn of_ipinfo() -> Vec<Case> {
    vec![
        (
            "IPinfo Lite",
            Map(vec![
                ("as_domain", Text("telekom.de")),
                ("as_name", Text("Deutsche Telekom AG")),
                ("asn", Text("AS3320")),
                ("continent", Text("Europe")),
                ("continent_code", Text("EU")),
                ("country", Text("Germany")),
                ("country_code", Text("DE")),
            ]),
            "de=country_code eu=continent_code 3320=asn",
        ),
        (
            "IPinfo's location",
            Map(vec![
                ("city", Text("Berlin")),
                ("country", Text("DE")),
                ("lat", Text("52.52437")),
                ("lng", Text("13.41053")),
                ("region", Text("Berlin")),
            ]),
            "de=country eu=country 52.52437,13.41053=lat",
        ),
        (
            "IPinfo's maps",
            Map(vec![
                (
                    "geo",
                    Map(vec![
                        ("country", Text("Germany")),
                        ("country_code", Text("DE")),
                        ("continent_code", Text("EU")),
                        ("latitude", Double(52.5)),
                        ("longitude", Double(13.4)),
                    ]),
                ),
                (
                    "as",
                    Map(vec![("asn", Text("AS3320")), ("name", Text("DTAG"))]),
                ),
            ]),
            "de=geo.country_code eu=geo.continent_code 52.5,13.4=geo.latitude 3320=as.asn",
        ),
    ]
}

fn of_types() -> Vec<Case> {
    vec![
        (
            "flat, with text, 32-bit floats and integers",
            Map(vec![
                ("country_code", Text("de")),
                ("latitude", Float(52.5)),
                ("longitude", Signed(13)),
                ("autonomous_system_number", Unsigned(64500)),
            ]),
            "de=country_code eu=country_code 52.5,13.0=latitude 64500=autonomous_system_number",
        ),
        (
            "nested numbers as text",
            Map(vec![
                ("country", Map(vec![("iso_code", Text("DE"))])),
                (
                    "location",
                    Map(vec![
                        ("latitude", Text("52.5")),
                        ("longitude", Text("13.4")),
                    ]),
                ),
            ]),
            "de=country.iso_code eu=country.iso_code 52.5,13.4=location.latitude",
        ),
        (
            "unexpected types beside good fields",
            Map(vec![
                ("country", List(vec![Text("DE"), Text("FR")])),
                ("continent", Bool(true)),
                ("location", Text("Berlin")),
                ("latitude", Map(vec![("degrees", Double(52.5))])),
                ("longitude", List(vec![])),
                ("asn", Map(vec![("number", Text("AS64500"))])),
                ("registered_country", Map(vec![("iso_code", Text("AT"))])),
            ]),
            "at=registered_country.iso_code eu=registered_country.iso_code 64500=asn.number",
        ),
        (
            "text that is none",
            Map(vec![
                ("country_code", Raw(b"\xff\xfe")),
                ("city", Raw(b"\xc3")),
                ("country", Text("DE")),
            ]),
            "de=country eu=country",
        ),
        ("no map at all", Text("DE"), ""),
    ]
}

#[test]
fn records_of_every_layout_tell_what_they_know() {
    for (name, record, expected) in [of_makers(), of_ipinfo(), of_types()].concat() {
        let site = site_with(&[&mmdb::of_record(&record)]);
        assert_eq!(facts(&client(&site)), expected, "{name}");
    }
}

/// A file with one record that is cut off within a number.
fn half_damaged() -> Vec<u8> {
    let good = Map(vec![("country_code", Text("DE"))]).encode();
    let mut bad = Map(vec![
        ("country_code", Text("FR")),
        ("latitude", Double(1.0)),
    ])
    .encode();
    let at = bad.len() - 9;
    // A double of seven bytes.
    bad[at] -= 1;
    let nodes = [[Side::Data(0), Side::Data(good.len() as u32)]];
    mmdb::file(4, &nodes, &[good, bad].concat())
}

#[test]
fn a_damaged_record_costs_what_follows_in_it_alone() {
    let site = site_with(&[&half_damaged()]);
    let look = |ip: &str| {
        let output = site.run("heliostat", &["iplookup", ip]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("1.mmdb has damaged records"), "{said}");
        assert!(said.contains("damaged=1 records=2"), "{said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(look("10.0.0.1").contains("10.0.0.1  country de  by "));
    assert!(look("192.0.2.7").contains("192.0.2.7  country fr  by "));
}

#[test]
fn each_fact_names_its_file_and_field() {
    let place = Map(vec![
        ("country", Map(vec![("iso_code", Text("DE"))])),
        (
            "location",
            Map(vec![
                ("latitude", Double(52.5)),
                ("longitude", Double(13.4)),
            ]),
        ),
    ]);
    let network = Map(vec![("country", Text("FR")), ("asn", Text("AS64500"))]);
    let site = site_with(&[&mmdb::of_record(&place), &mmdb::of_record(&network)]);
    let (one, two) = (site.path("1.mmdb"), site.path("2.mmdb"));
    let (one, two) = (one.display(), two.display());
    let expected = format!(
        "128.0.0.0/1 (AS64500)\n\
         192.0.2.7  country de  by {one} (country.iso_code)\n\
         192.0.2.7  continent eu  by {one} (country.iso_code)\n\
         192.0.2.7  coordinates 52.5,13.4  by {one} (location.latitude)\n\
         192.0.2.7  asn 64500  by {two} (asn)\n"
    );
    assert_eq!(
        site.run_ok("heliostat", &["iplookup", "192.0.2.7"]),
        expected
    );
    let explain = |more: &[&str]| {
        let arguments = [&["explain", "/x", "--ip", "192.0.2.7"], more].concat();
        String::from_utf8_lossy(&site.run("heliostat", &arguments).stdout).into_owned()
    };
    let said = explain(&[]);
    assert!(
        said.contains(&format!("country by {one} (country.iso_code)\n")),
        "{said}"
    );
    assert!(said.contains(&format!("asn by {two} (asn)\n")), "{said}");
    let said = explain(&["--as", "1", "--param", "GEOIP_COUNTRY_CODE=NZ"]);
    assert!(
        said.contains("country by a parameter of the web server\n"),
        "{said}"
    );
    assert!(!said.contains("coordinates by"), "{said}");
}

/// A host with three addresses, of which the first that a resolver gives knows nothing.
const HOSTS: &str = "\
127.0.0.1 localhost
2001:db8::1 many.test
192.0.2.1 many.test
198.51.100.1 many.test
";

/// Runs a command of ours where these are all the names that there are.
fn with_hosts(site: &TestSite, arguments: &[&str]) -> (String, String) {
    std::fs::write(site.path("hosts"), HOSTS).expect("hosts");
    let script = "mount --bind \"$HOSTS\" /etc/hosts && exec \"$@\"";
    let output = std::process::Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(crate::stand_in::site::program_path("heliostat"))
        .args(arguments)
        .env("HOSTS", site.path("hosts"))
        .env("HELIOSTAT_CONFIG", site.config())
        .env("NO_COLOR", "1")
        .output()
        .expect("unshare starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{complained}");
    (said, complained)
}

#[test]
fn all_addresses_of_a_host_are_looked_up() {
    let data = [
        Map(vec![("country_code", Text("DE")), ("asn", Unsigned(64500))]).encode(),
        Map(vec![("country_code", Text("US"))]).encode(),
    ];
    // 198.51.100.1 begins with the bits 11000, 192.0.2.1 with 11000000: only the former's are
    // followed by 110.
    let mut nodes = Vec::new();
    for (depth, bit) in [1, 1, 0, 0, 0, 1, 1, 0].into_iter().enumerate() {
        let next = if depth == 7 {
            Side::Data(0)
        } else {
            Side::Node(depth as u32 + 1)
        };
        let mut sides = [Side::Nowhere; 2];
        sides[bit] = next;
        nodes.push(sides);
    }
    let v4 = mmdb::file(4, &nodes, &data[0]);
    // 2001:db8::/32 begins with 001.
    let v6_nodes = [
        [Side::Node(1), Side::Nowhere],
        [Side::Node(2), Side::Nowhere],
        [Side::Nowhere, Side::Data(0)],
    ];
    let v6 = mmdb::file(6, &v6_nodes, &data[1]);
    let site = site_with(&[&v4, &v6]);
    let (said, complained) = with_hosts(&site, &["new", "many", "-H", "http://many.test/"]);
    assert!(
        said.contains("198.51.100.1, 2001:db8::1 are in eu de AS64500"),
        "{said}"
    );
    let differ = "the addresses of its host differ in country: 198.51.100.1 de, 2001:db8::1 us";
    assert!(complained.contains(differ), "{complained}");
    site.run_ok("heliostat", &["edit", "many", "--set", "country=fr"]);
    let (said, complained) = with_hosts(&site, &["update", "--country", "many"]);
    assert!(said.contains("many: updating country (fr -> de)"), "{said}");
    assert!(complained.contains(differ), "{complained}");
    let (said, _) = with_hosts(&site, &["iplookup", "many.test"]);
    assert!(
        said.starts_with("198.0.0.0/8 (AS64500) 2001:db8::1\n"),
        "{said}"
    );
    assert!(said.contains("2001:db8::1  country us  by "), "{said}");
}
