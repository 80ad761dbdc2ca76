//! Tables of networks among a site's GeoIP files: they tell the AS, and are replaced while the
//! responder runs.

use crate::stand_in::fcgi_client::{Answer, FcgiClient, Request};
use crate::stand_in::logged_responder::LoggedResponder;
use crate::stand_in::mmdb::{self, Item};
use crate::stand_in::site::{TestSite, eventually};

/// Answers while the table is replaced.
const REQUESTS: usize = 2_000;

/// A site whose GeoIP file says AS 1 of everybody, with a table for one network.
fn site() -> TestSite {
    let site = TestSite::with_config("geoip = [\"clients.mmdb\", \"networks.hnt\"]");
    let record = Item::Map(vec![
        ("country_code", Item::Text("DE")),
        ("asn", Item::Text("1")),
    ]);
    std::fs::write(site.path("clients.mmdb"), mmdb::of_record(&record)).expect("a file");
    site.write("a.iso", &[1; 20_000], 1_700_000_000);
    site.run_ok("heliostat-index", &["--no-hashes"]);
    std::fs::create_dir(site.path("state")).expect("a folder");
    compile(&site, 64501);
    site
}

fn compile(site: &TestSite, asn: u32) {
    let text = format!("203.0.113.0/24 {asn}\n");
    std::fs::write(site.path("networks.txt"), text).expect("a file");
    let mut command = site.command("heliostat");
    command.args([
        "topology",
        "compile",
        "--networks",
        "networks.txt",
        "-o",
        "networks.hnt",
    ]);
    let output = command
        .current_dir(site.path(""))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
}

fn ask(client: &mut FcgiClient, ip: &str) -> Answer {
    client.send(&Request::get("/a.iso.mirrorlist").with("REMOTE_ADDR", ip))
}

fn asn(client: &mut FcgiClient, ip: &str) -> String {
    ask(client, ip).text("ASN-MB").unwrap_or_default()
}

#[test]
fn the_table_is_asked_before_all_other_files_and_a_bad_one_changes_nothing() {
    let site = site();
    let mut responder = LoggedResponder::start(&site);
    let mut client = FcgiClient::connect(&site.path("fcgi.sock"));
    assert_eq!(asn(&mut client, "203.0.113.7"), "64501");
    let answer = ask(&mut client, "203.0.113.7");
    assert_eq!(answer.text("PFX-MB").as_deref(), Some("203.0.113.0/24"));
    assert_eq!(asn(&mut client, "192.0.2.1"), "1");
    let told = site.run_ok("heliostat", &["iplookup", "203.0.113.7"]);
    assert!(
        told.contains("64501") && told.contains("networks.hnt"),
        "{told}"
    );
    // One byte less: the table that was read stays.
    let table = std::fs::read(site.path("networks.hnt")).expect("a table");
    let put = |bytes: &[u8]| {
        std::fs::write(site.path("cut"), bytes).expect("a file");
        std::fs::rename(site.path("cut"), site.path("networks.hnt")).expect("in its place");
    };
    put(&table[..table.len() - 1]);
    responder.until_log("its sum is wrong");
    assert_eq!(asn(&mut client, "203.0.113.7"), "64501");
    // The same while a program that writes over the file has only emptied it.
    put(b"");
    responder.until_log("it is not a GeoIP database");
    assert_eq!(asn(&mut client, "203.0.113.7"), "64501");
    compile(&site, 64502);
    eventually("the new table", || {
        asn(&mut client, "203.0.113.7") == "64502"
    });
    assert_eq!(responder.log().matches("its sum is wrong").count(), 1);
    assert!(responder.end().success());
}

#[test]
fn a_table_that_is_replaced_again_and_again_costs_no_answer() {
    let site = site();
    let mut responder = LoggedResponder::start(&site);
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = FcgiClient::connect(&site.path("fcgi.sock"));
                    for _ in 0..REQUESTS / 4 {
                        let found = asn(&mut client, "203.0.113.7");
                        assert!(found.starts_with("645"), "{found:?}");
                    }
                })
            })
            .collect();
        for number in 0..20 {
            compile(&site, 64500 + number);
        }
        askers
            .into_iter()
            .for_each(|asker| asker.join().expect("answers"));
    });
    assert!(responder.end().success());
}
