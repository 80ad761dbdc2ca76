//! GeoIP files that are made to harm: each is read in bounded time, costs nobody a redirect, and
//! the responder hears changes and signals while it looks at it.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::db::{self};
use heliostat::domain::file::FileVersion;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use heliostat::geoip::GeoIp;

use crate::stand_in::fcgi_client::Request;
use crate::stand_in::mmdb::{self, Item, Side, control, file};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::{TestSite, eventually};

const MTIME: u64 = 1_401_807_080;
const SIZE: u64 = 5000;
/// A look at one of these files; the machine may be busy, what is endless lasts longer.
const LOOK_MAX: Duration = Duration::from_secs(30);

fn site() -> TestSite {
    let site = TestSite::with_config("geoip = [\"clients.mmdb\"]");
    site.write("x.bin", &[b'x'; SIZE as usize], MTIME);
    let version = FileVersion {
        size: SIZE,
        mtime: MTIME as i64,
    };
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let filled = writer.transaction(|transaction| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        let id = catalogue.insert(b"x.bin", version)?;
        catalogue.finish()?;
        mirror::insert(transaction, &record("http://m.example.org/"))?;
        let mut held = Content::default();
        held.current.insert(id.0);
        let origin = ContentOrigin {
            at: Timestamp(1_700_000_000),
            by: "test".to_owned(),
            unknown_files: 0,
        };
        content::publish(transaction, MirrorId(1), &held, &origin)
    });
    filled.expect("the content");
    site
}

fn record(url: &str) -> MirrorRecord {
    MirrorRecord {
        id: MirrorId(1),
        base_url: url.to_owned(),
        enabled: true,
        alive: true,
        ..MirrorRecord::new("m")
    }
}

fn pointer(to: u16) -> Vec<u8> {
    // Eleven bits, three of them in the control byte.
    vec![1 << 5 | (to >> 8) as u8, to as u8]
}

/// A tree of so many nodes, each of which leads to the next one twice.
fn doubling(nodes: u32, end: Side) -> Vec<u8> {
    let node = |number| match number + 1 < nodes {
        true => [Side::Node(number + 1); 2],
        false => [end; 2],
    };
    let nodes: Vec<[Side; 2]> = (0..nodes).map(node).collect();
    let data = Item::Map(vec![("country_code", Item::Text("DE"))]);
    file(6, &nodes, &data.encode())
}

/// A record whose field `country` has these bytes as its value.
fn with_country(value: Vec<u8>) -> Vec<u8> {
    mmdb::of_record(&Item::Map(vec![("country", Item::Bytes(value))]))
}

/// Where the value of `country` stands in the data: behind the control bytes and the name.
const VALUE_AT: u16 = 9;

/// One in another, so many times.
fn nested(open: &[u8], depth: usize) -> Vec<u8> {
    let mut value = open.repeat(depth);
    value.extend(Item::Text("x").encode());
    value
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let named_map = [control(7, 1), Item::Text("a").encode()].concat();
    let fan: Vec<u8> = (0..60u16)
        // Each list names the one before it twice.
        .flat_map(|level| {
            let before = pointer(VALUE_AT + level.saturating_sub(1) * 6);
            [control(11, 2), before.clone(), before].concat()
        })
        .chain(Item::Text("DE").encode())
        .collect();
    vec![
        ("2^128 networks", doubling(128, Side::Data(0))),
        ("2^128 dead ends", doubling(128, Side::Nowhere)),
        ("2^96 aliases of IPv4", doubling(97, Side::Data(0))),
        ("a tree too deep", doubling(200, Side::Data(0))),
        (
            "a node that leads to itself",
            file(6, &[[Side::Node(0); 2]], &[]),
        ),
        (
            "a loop of two nodes",
            file(
                6,
                &[[Side::Node(1); 2], [Side::Nowhere, Side::Node(0)]],
                &[],
            ),
        ),
        (
            "a way out of the data",
            file(4, &[[Side::Data(1 << 20); 2]], &[0xe0]),
        ),
        ("a way into the separator", {
            let mut bytes = file(4, &[[Side::Data(0); 2]], &[0xe0]);
            bytes[..8].copy_from_slice(&[0, 0, 0, 5, 0, 0, 0, 5]);
            bytes
        }),
        (
            "nested lists",
            with_country(nested(&control(11, 1), 100_000)),
        ),
        ("nested maps", with_country(nested(&named_map, 100_000))),
        (
            "a map of 16 million fields",
            with_country(control(7, 16_000_000)),
        ),
        (
            "a list of 16 million items",
            with_country(control(11, 16_000_000)),
        ),
        (
            "a text of 16 million bytes",
            with_country(control(2, 16_000_000)),
        ),
        ("a pointer to itself", with_country(pointer(VALUE_AT))),
        ("a map that holds itself", with_country(pointer(0))),
        ("a pointer beyond the data", with_country(pointer(2000))),
        ("lists that name each other", with_country(fan)),
        ("a record of 300 KiB of one field", {
            let field = ("country", Item::Text("Germany"));
            mmdb::of_record(&Item::Map(vec![field; 20_000]))
        }),
        ("no metadata", vec![0; 1 << 20]),
        ("nothing", vec![]),
        ("half a file", doubling(128, Side::Data(0))[..300].to_vec()),
    ]
}

fn replace(site: &TestSite, content: &[u8]) {
    std::fs::write(site.path("new.mmdb"), content).expect("a file");
    std::fs::rename(site.path("new.mmdb"), site.path("clients.mmdb")).expect("it is replaced");
}

/// Changes where clients are sent, and waits until they are.
fn is_kept(site: &TestSite, responder: &Responder, number: usize) {
    let url = format!("http://m{number}.example.org/");
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let changed = writer.transaction(|transaction| mirror::update(transaction, &record(&url)));
    changed.expect("the mirror is changed");
    let mut client = responder.connect();
    eventually("a change is seen", || {
        let answer = client.send(&Request::get("/x.bin"));
        assert_eq!(answer.status, 302, "{answer:?}");
        answer.text("Location") == Some(format!("{url}x.bin"))
    });
}

/// Ends a responder as systemd does.
fn terminate(responder: &mut Responder) {
    let asked = Instant::now();
    responder.signal("TERM");
    let status = responder.wait();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < LOOK_MAX, "{:?}", asked.elapsed());
}

#[test]
fn the_attackers_file_is_as_small_as_his() {
    assert!(doubling(128, Side::Data(0)).len() < 1300);
}

#[test]
fn no_geoip_file_stops_the_responder() {
    let site = site();
    replace(&site, &mmdb::of_record(&Item::Map(vec![])));
    let mut responder = Responder::start(&site);
    for (number, (name, content)) in files().iter().enumerate() {
        let begun = Instant::now();
        replace(&site, content);
        is_kept(&site, &responder, number);
        assert!(begun.elapsed() < LOOK_MAX, "{name}: {:?}", begun.elapsed());
    }
    terminate(&mut responder);
}

#[test]
fn a_responder_starts_and_looks_up_with_any_geoip_file() {
    let site = site();
    for (name, content) in files() {
        replace(&site, &content);
        let begun = Instant::now();
        let mut responder = Responder::start(&site);
        let answer = responder.connect().send(&Request::get("/x.bin"));
        assert_eq!(answer.status, 302, "{name}: {answer:?}");
        let output = site.run("heliostat", &["iplookup", "192.0.2.1"]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{name}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{name}: {said}");
        assert!(begun.elapsed() < LOOK_MAX, "{name}: {:?}", begun.elapsed());
        terminate(&mut responder);
    }
}

#[test]
fn what_is_no_regular_file_is_never_waited_for() {
    let site = site();
    let path = site.path("clients.mmdb");
    type Make<'m> = (&'m str, &'m dyn Fn(&Path));
    let make: [Make<'_>; 3] = [
        ("FIFO", &|path| {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo starts").success());
        }),
        ("device", &|path| {
            std::os::unix::fs::symlink("/dev/zero", path).expect("a link");
        }),
        ("folder", &|path| {
            std::fs::create_dir(path).expect("a folder")
        }),
    ];
    for (name, make) in make {
        make(&path);
        let mut responder = Responder::start(&site);
        let answer = responder.connect().send(&Request::get("/x.bin"));
        assert_eq!(answer.status, 302, "{name}: {answer:?}");
        let output = site.run("heliostat", &["iplookup", "192.0.2.1"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("it is not a regular file"), "{name}: {said}");
        terminate(&mut responder);
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
    }
}

#[test]
fn a_look_at_a_large_file_ends_when_it_is_told_to() {
    // So many nodes that a walk over all of them asks more than once.
    const NODES: u32 = 10_000;
    let side = |node: u32| match node < NODES {
        true => Side::Node(node),
        false => Side::Data(0),
    };
    let nodes: Vec<[Side; 2]> = (0..NODES)
        .map(|node| [side(2 * node + 1), side(2 * node + 2)])
        .collect();
    let data = Item::Map(vec![("country_code", Item::Text("DE"))]).encode();
    let site = site();
    replace(&site, &file(6, &nodes, &data));

    for (is_told, files) in [(false, 1), (true, 0)] {
        let asked = Cell::new(0);
        let stops = || {
            asked.set(asked.get() + 1);
            is_told
        };
        let geoip = GeoIp::open_unless(&[site.path("clients.mmdb")], &stops);
        assert_eq!(geoip.built_s().count(), files, "{is_told}");
        assert_eq!(
            asked.get() > 1,
            !is_told,
            "{is_told}: asked {}",
            asked.get()
        );
    }
}
