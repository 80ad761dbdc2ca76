//! Redirects are followed as clients got them: the rate, masks, scans, bytes of pieces.

use heliostat::db::follow::contradiction;
use heliostat::db::hash;
use heliostat::db::mirror;
use heliostat::db::open_writer;
use heliostat::db::scan::request;
use serde_json::Value;

use crate::stand_in::counted_site::{end, get};
use crate::stand_in::probe_site::{add, events, pass, site_with};
use crate::stand_in::responder::Responder;
use crate::stand_in::rsyncd::Rsyncd;
use crate::stand_in::scan_site::{OLD, mirror_record, reader};
use crate::stand_in::site::{TestSite, eventually};
use crate::stand_in::webserver::{Manner, WebServer};

/// The file that clients ask for.
const FILE: &str = "z.zip";

/// Its bytes.
const CONTENT: &[u8] = b"this is z.zip";

/// Mirrors of the large site.
const MIRRORS: usize = 20;

/// Those that lie.
const LIARS: [(usize, Manner); 3] = [
    (3, Manner::Status(404)),
    (7, Manner::Longer),
    (11, Manner::Page),
];

const STATS: &str = "[site.test.stats]\nspool = \"spool\"\nmetrics = true";

fn server(manner: Manner) -> WebServer {
    let server = WebServer::start("127.0.0.1", manner);
    server.put(FILE, CONTENT);
    server
}

fn name(number: usize) -> String {
    format!("m{number:02}")
}

/// A round, as JSON.
fn follow(site: &TestSite) -> Value {
    let (code, said) = pass(site, &["--follow", "--json"]);
    assert_eq!(code, 0, "{said}");
    let line = said.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_default()).expect("JSON")
}

/// Redirects so many clients, and collects what was counted.
fn redirect(site: &TestSite, clients: usize) {
    let responder = Responder::start(site);
    let mut client = responder.connect();
    for number in 0..clients {
        let ip = format!("192.0.2.{}", number % 250);
        assert_eq!(client.send(&get(FILE, &ip)).status, 302);
    }
    drop(client);
    end(responder);
    site.run_ok("heliostat", &["stats", "collect", "-q"]);
}

/// How many of so many clients are sent to liars.
fn misled(responder: &Responder, servers: &[WebServer], clients: usize) -> usize {
    let mut client = responder.connect();
    let is_liar = |location: &str| {
        let mut liars = LIARS.iter();
        liars.any(|(at, _)| location.starts_with(&servers[*at].url("")))
    };
    let sent = (0..clients).map(|_| client.send(&get(FILE, "192.0.2.9")));
    let locations = sent.map(|answer| answer.text("Location").expect("a redirect"));
    locations.filter(|location| is_liar(location)).count()
}

fn set_again_s(site: &TestSite, seconds: u32) {
    let text = std::fs::read_to_string(site.config()).expect("the configuration");
    let lines = text.lines().map(|line| match line.split_once(" = ") {
        Some(("follow_again_s", _)) => format!("follow_again_s = {seconds}"),
        _ => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    std::fs::write(site.config(), text).expect("written");
}

fn masked(site: &TestSite) -> usize {
    contradiction::masked(&reader(site)).expect("pairs").len()
}

/// A site of twenty mirrors, of which three lie; all are listed by one rsync daemon.
fn site_with_liars(rsyncd: &Rsyncd) -> (TestSite, Vec<WebServer>) {
    let site = site_with("", &format!("follow_again_s = 3600\n{STATS}"));
    std::fs::create_dir(site.path("spool")).expect("the spool folder");
    let servers: Vec<WebServer> = (0..MIRRORS).map(|_| server(Manner::Serves)).collect();
    for file in crate::stand_in::probe_site::FILES {
        rsyncd.write(file, format!("this is {file}").as_bytes(), OLD);
    }
    for (number, server) in servers.iter().enumerate() {
        add(&site, &name(number), &server.url(""), |mirror| {
            mirror.rsync_url = rsyncd.url("pub");
        });
    }
    for (at, manner) in &LIARS {
        servers[*at].behave(manner.clone());
    }
    (site, servers)
}

#[test]
fn three_liars_of_twenty_are_found_left_out_and_taken_back() {
    let rsyncd = Rsyncd::start();
    let (site, servers) = site_with_liars(&rsyncd);
    for _ in 0..4 {
        redirect(&site, 400);
    }
    // The rate, while clients are sent there.
    let rounds: Vec<Value> = (0..5).map(|_| follow(&site)).collect();
    let last = &rounds[4];
    let rate = &last["rate_24_hours"];
    assert_eq!(
        (&rate["followed"], &rate["wrong"]),
        (&100.into(), &15.into()),
        "{last}"
    );
    assert_eq!(rate["unweighted"], false);
    let number = |key: &str| rate[key].as_f64().expect("a number");
    let truth = LIARS.len() as f64 / MIRRORS as f64;
    assert!(number("low") < truth && truth < number("high"), "{rate}");
    assert_eq!(last["results"]["not-found"], 1, "{last}");
    assert_eq!(last["results"]["size"], 2, "{last}");
    assert_eq!(masked(&site), 0, "a second look was not due");
    let status = site.run_ok("heliostat", &["status"]);
    let line = "24 hours: 15.00 % of 100 redirects were wrong (9.31 to 23.28 %)";
    assert!(status.contains(line), "{status}");
    let asked: Vec<String> = servers[0].requests().into_iter().map(|r| r.line).collect();
    assert_eq!(asked, ["GET /pub/z.zip"; 5]);
    // The second look: no client is sent there any more.
    let responder = Responder::start(&site);
    assert!(misled(&responder, &servers, 200) > 0);
    set_again_s(&site, 0);
    let round = follow(&site);
    assert_eq!(masked(&site), LIARS.len(), "{round}");
    eventually("no redirect leads there", || {
        misled(&responder, &servers, 100) == 0
    });
    assert_eq!(misled(&responder, &servers, 400), 0);
    let explained = site.run_ok("heliostat", &["explain", FILE, "--ip", "192.0.2.9", "-v"]);
    assert!(
        explained.contains("asked twice since the last scan"),
        "{explained}"
    );
    let event = &events(&site, "m03")[0];
    assert!(event.contains("not-found; curl -4 -sS -L"), "{event}");
    // A mirror that was wrong is scanned before the others, and is right again.
    let wanted = request::all(&reader(&site)).expect("requests");
    assert_eq!(wanted.len(), LIARS.len());
    let due = site.run_ok("heliostat-scan", &["--due", "--dry-run"]);
    assert!(due.contains("m03"), "{due}");
    for (at, _) in &LIARS {
        servers[*at].behave(Manner::Serves);
    }
    site.run_ok("heliostat-scan", &["m03", "m07", "m11"]);
    assert_eq!(masked(&site), 0);
    eventually("they get clients again", || {
        misled(&responder, &servers, 100) > 0
    });
    assert_eq!(follow(&site)["wrong"], Value::Array(Vec::new()));
}

#[test]
fn what_is_not_understood_is_not_wrong() {
    let site = site_with("", "follow_again_s = 0");
    let answers = [
        (Manner::Serves, "ok"),
        (Manner::Vague, "size-unknown"),
        (Manner::Status(500), "unknown"),
        (Manner::Status(503), "busy"),
        (Manner::Closes, "unknown"),
        (Manner::RefusesHead, "ok"),
        (Manner::Redirects("/pub/login{}".into()), "loop"),
    ];
    let servers: Vec<WebServer> = answers.iter().map(|(how, _)| server(how.clone())).collect();
    for server in &servers {
        crate::stand_in::probe_site::fill(server);
    }
    for (number, server) in servers.iter().enumerate() {
        add(&site, &name(number), &server.url(""), |_| {});
    }
    let round = follow(&site);
    for (_, result) in &answers {
        let same = answers.iter().filter(|(_, other)| other == result).count();
        assert_eq!(round["results"][*result], same, "{round}");
    }
    assert_eq!(
        round["wrong"].as_array().expect("a list").len(),
        1,
        "{round}"
    );
    // Nobody counted, so files were drawn.
    assert_eq!(round["rate_24_hours"]["unweighted"], true);
    // A host that is cut off knows nothing.
    drop(servers);
    let (code, said) = pass(&site, &["--follow"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("this host looks cut off"), "{said}");
    let other = site.run("heliostat-probe", &["--follow", "m00"]);
    assert_eq!(other.status.code(), Some(2));
}

/// A site of one mirror, of which a piece of the file is compared in each round.
fn piece_site(manner: Manner) -> (TestSite, WebServer) {
    let site = TestSite::with_config(
        "[site.test.rules]\nmin_size = 0\n[site.test.probe]\npiece_interval_s = 1\n\
         follow_per_min = 0",
    );
    site.write(FILE, CONTENT, OLD);
    site.run_ok("heliostat-index", &["--quiet"]);
    let server = server(manner);
    add(&site, "m", &server.url(""), |_| {});
    let pieces = hash::any(&reader(&site)).expect("hashes");
    assert!(pieces, "the file has hashes");
    (site, server)
}

#[test]
fn other_bytes_are_found_and_our_own_disk_is_looked_at_before_anybody_is_blamed() {
    let (site, server) = piece_site(Manner::Serves);
    let piece = |site: &TestSite| follow(site)["piece"].as_str().unwrap_or("").to_owned();
    assert_eq!(piece(&site), "piece of /z.zip on m: its bytes are ours");
    let mut altered = CONTENT.to_vec();
    altered[5] ^= 1;
    server.put(FILE, &altered);
    // Our own file is wrong, too: nobody knows who is right.
    site.write(FILE, &altered, OLD);
    let mut said = String::new();
    eventually("the next piece is due", || {
        said = piece(&site);
        !said.is_empty()
    });
    assert!(
        said.starts_with("our own /z.zip is not what its digests say"),
        "{said}"
    );
    assert_eq!(masked(&site), 0);
    site.write(FILE, CONTENT, OLD);
    eventually("the next piece is due", || {
        said = piece(&site);
        !said.is_empty()
    });
    assert!(said.contains("other bytes, and ours are right"), "{said}");
    assert!(
        said.contains("(SHA-1 ") && said.contains("curl -4 -sS -L"),
        "{said}"
    );
    assert_eq!(masked(&site), 1);
    assert!(events(&site, "m")[0].contains("other bytes"));
    assert!(!mirror_record(&site, "m").identifier.is_empty());
    let explained = site.run_ok("heliostat", &["explain", FILE, "--ip", "192.0.2.9", "-v"]);
    assert!(
        explained.contains("asked twice since the last scan"),
        "{explained}"
    );
    // A mirror that is deleted takes its pairs along.
    let id = mirror_record(&site, "m").id;
    let mut writer = open_writer(&site.database()).expect("the database opens");
    writer
        .transaction(|transaction| mirror::delete(transaction, id))
        .expect("deleted");
    assert_eq!(masked(&site), 0);
}
