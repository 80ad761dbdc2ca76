//! `heliostat topology`: a table made of every form of routing data, checked and asked.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::probe_site::{FILES, add};
use crate::stand_in::responder::Responder;
use crate::stand_in::scan_site::{OLD, catalogue_tree};
use crate::stand_in::site::{TestSite, eventually, failure};

fn gz(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).expect("packed");
    packed.finish().expect("packed")
}

/// A file of 1,000 networks 20.0.0.0/24, 20.0.1.0/24 … of AS 1.
fn many(count: u32) -> String {
    let line = |number: u32| format!("20.{}.{}.0\t24\t1\n", number / 256, number % 256);
    (0..count).map(line).collect()
}

/// Runs `topology compile` of files in the site's folder.
fn compile(site: &TestSite, files: &[&str], more: &[&str]) -> std::process::Output {
    let arguments = [
        &["topology", "compile", "--networks"],
        files,
        &["-o", "n.hnt"],
        more,
    ];
    let mut command = site.command("heliostat");
    command.args(arguments.concat()).current_dir(site.path(""));
    command.output().expect("it starts")
}

fn compiled(site: &TestSite, files: &[&str], more: &[&str]) -> String {
    let output = compile(site, files, more);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn lookup(site: &TestSite, ip: &str) -> String {
    let table = site.path("n.hnt");
    let table = table.to_str().expect("UTF-8");
    site.run_ok("heliostat", &["topology", "lookup", ip, "--table", table])
}

#[test]
fn a_table_is_made_of_every_form_and_the_later_file_counts() {
    let site = TestSite::new();
    let pfx2as = gz("203.0.112.0\t20\t1\n203.0.113.0\t24\t2_3\n192.0.2.1\t24\t5\n10.0.0.0\t8\t9\n");
    std::fs::write(site.path("a.pfx2as.gz"), pfx2as).expect("a file");
    let ranges = "# a comment\n198.51.100.0\t198.51.101.255\t7\tDE\tSEVEN e.V.\n\
                  0.0.0.0\t0.255.255.255\t0\tNone\tNot routed\n";
    std::fs::write(site.path("b.tsv"), ranges).expect("a file");
    std::fs::write(
        site.path("own"),
        "203.0.113.128/25 AS64500 campus\n10.9.0.0/16 - lab\n",
    )
    .expect("a file");
    let said = compiled(&site, &["a.pfx2as.gz", "b.tsv", "own"], &[]);
    assert_eq!(
        said,
        "a.pfx2as.gz: pfx2as, 3 networks, 1 with host bits, which were cleared, 1 private or \
         reserved, left out\n\
         b.tsv: iptoasn, 1 networks\n\
         own: plain, 2 networks\n\
         n.hnt has 6 networks of 5 AS, 2 labels, 243 bytes\n"
    );
    for (ip, expected) in [
        ("203.0.113.1", "network 203.0.113.0/24\nAS      2\n"),
        (
            "203.0.113.200",
            "network 203.0.113.128/25\nAS      64500\nlabel   campus\n",
        ),
        (
            "198.51.101.1",
            "network 198.51.100.0/23\nAS      7 SEVEN e.V.\n",
        ),
        ("192.0.2.99", "network 192.0.2.0/24\nAS      5\n"),
        ("10.9.1.1", "network 10.9.0.0/16\nlabel   lab\n"),
        ("::ffff:192.0.2.99", "network 192.0.2.0/24\nAS      5\n"),
    ] {
        assert_eq!(lookup(&site, ip), expected, "{ip}");
    }
    let again = compiled(&site, &["own", "a.pfx2as.gz", "b.tsv"], &["-n", "--json"]);
    let again: serde_json::Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(
        (&again["networks"], &again["dry_run"]),
        (&6.into(), &true.into())
    );
    let mut command = site.command("heliostat");
    command.args(["topology", "lookup", "8.8.8.8", "--table"]);
    let (code, said) = failure(&command.arg(site.path("n.hnt")).output().expect("it starts"));
    assert_eq!(code, Some(1));
    assert!(said.contains("no network contains 8.8.8.8"), "{said}");
}

/// A router's table (MRT, RFC 6396) of 198.51.100.0/24 with the paths `1 2 100`, `3 100`, `4 200`.
fn mrt() -> Vec<u8> {
    let record = |subtype: u16, body: Vec<u8>| {
        let mut bytes = 1_700_000_000u32.to_be_bytes().to_vec();
        bytes.extend([0, 13]);
        bytes.extend(subtype.to_be_bytes());
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(body);
        bytes
    };
    let mut peers = vec![192, 0, 2, 254, 0, 0, 0, 3];
    for peer in 1..=3u8 {
        peers.extend([2, 192, 0, 2, peer, 192, 0, 2, peer, 0, 0, 0, peer]);
    }
    let mut routes = vec![0, 0, 0, 0, 24, 198, 51, 100, 0, 3];
    for (peer, path) in [(0, &[1, 2, 100][..]), (1, &[3, 100]), (2, &[4, 200])] {
        let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 2 + 4 * path.len() as u8, 2];
        attributes.push(path.len() as u8);
        attributes.extend(path.iter().flat_map(|asn: &u32| asn.to_be_bytes()));
        attributes.extend([0x40, 3, 4, 203, 0, 113, peer]);
        routes.extend([0, peer, 0x65, 0x53, 0xf1, 0, 0, attributes.len() as u8]);
        routes.extend(attributes);
    }
    [record(1, peers), record(2, routes)].concat()
}

#[test]
fn a_routers_table_is_read_through_bgpdump() {
    let site = TestSite::new();
    std::fs::write(site.path("rib"), mrt()).expect("a file");
    let said = compiled(&site, &["rib"], &["--label-peer", "192.0.2.2"]);
    assert!(said.starts_with("rib: mrt, 1 networks\n"), "{said}");
    let known = "network 198.51.100.0/24\nAS      100\nlabel   203.0.113.1\n";
    assert_eq!(lookup(&site, "198.51.100.7"), known);
}

#[test]
fn bad_files_leave_the_table_as_it_was() {
    let site = TestSite::new();
    std::fs::write(site.path("good"), many(1000)).expect("a file");
    std::fs::write(site.path("few"), many(700)).expect("a file");
    std::fs::write(site.path("bad"), many(50) + "20.9.0.0\t33\t1\n").expect("a file");
    std::fs::write(site.path("page"), "<html>\n<body>\n").expect("a file");
    std::fs::write(site.path("empty"), "").expect("a file");
    std::fs::write(site.path("cut.gz"), &gz(&many(1000))[..200]).expect("a file");
    compiled(&site, &["good"], &[]);
    let before = std::fs::read(site.path("n.hnt")).expect("a table");
    for (file, code, part) in [
        ("few", 2, "has 1000 networks and the new one would have 700"),
        ("bad", 2, "1 of 51 lines cannot be read (first ones: 51)"),
        ("page", 2, "no line has a network"),
        ("empty", 2, "no line has a network"),
        ("cut.gz", 1, "cannot read cut.gz"),
        ("missing", 1, "cannot read missing"),
    ] {
        let (found, said) = failure(&compile(&site, &[file], &[]));
        assert_eq!(found, Some(code), "{file}: {said}");
        assert!(said.contains(part), "{file}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let now = std::fs::read(site.path("n.hnt")).expect("a table");
        assert!(now == before, "{file}");
    }
    compiled(&site, &["few"], &["--force"]);
    // A damaged table is there to be replaced.
    std::fs::write(site.path("n.hnt"), &before[..before.len() - 1]).expect("a file");
    let mut check = site.command("heliostat");
    check
        .args(["topology", "check", "--table"])
        .arg(site.path("n.hnt"));
    let (code, said) = failure(&check.output().expect("it starts"));
    assert_eq!(code, Some(1));
    assert!(said.contains("its sum is wrong"), "{said}");
    compiled(&site, &["few"], &[]);
    let said = String::from_utf8(check.output().expect("it starts").stdout).expect("UTF-8");
    assert!(
        said.contains("700 networks of 1 AS, 0 labels, made 0 days ago"),
        "{said}"
    );
}

/// A site with these rules, a table with a label, and two mirrors.
fn site_with_rules(rules: &str) -> TestSite {
    let site = TestSite::with_config(
        "topology_rules = \"own.rules\"\ngeoip = [\"n.hnt\"]\n[site.test.rules]\nmin_size = 0\n",
    );
    std::fs::write(site.path("own.rules"), rules).expect("a file");
    std::fs::write(
        site.path("own"),
        "203.0.113.0/24 - campus\n192.0.2.0/24 64501\n",
    )
    .expect("a file");
    compiled(&site, &["own"], &[]);
    for file in FILES {
        site.write(file, file.as_bytes(), OLD);
    }
    catalogue_tree(&site);
    add(&site, "near", "http://near.test/", |record| {
        record.score = 32_767
    });
    add(&site, "own", "http://own.test/", |record| {
        (record.score, record.as_only) = (1, true);
    });
    site
}

/// Mirror and realm of a client's redirect.
fn redirect(client: &mut FcgiClient, ip: &str, file: &str) -> String {
    let answer = client.send(&Request::get(file).with("REMOTE_ADDR", ip));
    let text = |name| answer.text(name).unwrap_or_default();
    format!(
        "{} {}",
        text("X-MirrorBrain-Mirror"),
        text("X-MirrorBrain-Realm")
    )
}

#[test]
fn rules_of_networks_come_before_everything_else() {
    let site = site_with_rules(
        "as 64501 own name=uni path=/d/\nlabel campus gone own*5 name=campus\n\
         prefix 198.51.100.0/24 own name=half share=0\n",
    );
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut ask = |ip: &str, file: &str| redirect(&mut client, ip, file);
    eventually("the mirrors are known", || {
        ask("192.0.2.7", "/z.zip") == "near other"
    });
    assert_eq!(ask("192.0.2.7", "/d/c.tar.gz"), "own rule");
    assert_eq!(ask("203.0.113.7", "/z.zip"), "own rule");
    assert_eq!(ask("198.51.100.7", "/z.zip"), "near other");
    let explained = site.run_ok("heliostat", &["explain", "/z.zip", "--ip", "198.51.100.7"]);
    let line = explained.lines().find(|line| line.starts_with("rule "));
    let line = line.expect("the rule");
    assert!(
        line.contains("half: prefix 198.51.100.0/24 own*1 share=0, this network is "),
        "{line}"
    );
    assert!(line.ends_with(": out"), "{line}");
    let output = site.run("heliostat", &["topology", "rules"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("no mirror has the name gone;"), "{said}");
    let output = site.run_ok(
        "heliostat",
        &["topology", "rules", "--ip", "192.0.2.7", "--json"],
    );
    let rules: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(rules.as_array().map(Vec::len), Some(1), "{rules}");
    assert_eq!(
        (&rules[0]["name"], &rules[0]["is_in"]),
        (&"uni".into(), &true.into())
    );
    // A mirror that is away leaves the client to the others.
    site.run_ok("heliostat", &["disable", "own"]);
    eventually("it is away", || {
        ask("203.0.113.7", "/z.zip") == "near other"
    });
}

#[test]
fn rules_that_cannot_be_read_are_refused_whole_and_the_responder_goes_on() {
    let site = site_with_rules("label campus own\n");
    let responder = Responder::start(&site);
    let mut client = responder.connect();
    let mut ask = || redirect(&mut client, "203.0.113.7", "/z.zip");
    eventually("the rule holds", || ask() == "own rule");
    std::fs::write(
        site.path("own.rules"),
        "as 1 near\nlabel campus own share=101\n",
    )
    .expect("a file");
    let (code, said) = failure(&site.run("heliostat", &["topology", "rules"]));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("own.rules: line 2: share: '101' is not 0 to 100"),
        "{said}"
    );
    responder.signal("HUP");
    for _ in 0..20 {
        assert_eq!(ask(), "own rule");
    }
}
