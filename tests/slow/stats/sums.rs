//! 100,000 mixed requests to two front ends add up to what was sent, by an independent count.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::stand_in::counted_site::{FILE_BYTES, FILES, counted_site, end, get, shown};
use crate::stand_in::fcgi_client::{FcgiClient, Request};
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;
use crate::stand_in::spooled::bring;

const REQUESTS_PER_FRONT: u32 = 50_000;
/// Each responder is ended so often, and writes its spool file then.
const STARTS: u32 = 10;
const KILLS: usize = 200;

type Counts = BTreeMap<(&'static str, String), u64>;

/// Requests of one client, the column of each, and the bytes that it promises.
fn visit(ip: &str, file: &str, random: &mut fastrand::Rng) -> Vec<(Request, &'static str, u64)> {
    let plain = get(file, ip);
    let range = |from: u64| {
        let request = plain.clone().with("HTTP_RANGE", format!("bytes={from}-"));
        (request, FILE_BYTES - from)
    };
    let agent = |name: &str| plain.clone().with("HTTP_USER_AGENT", name);
    match random.u8(..9) {
        0 => vec![
            (plain.clone(), "downloads", FILE_BYTES),
            (plain, "retries", FILE_BYTES),
        ],
        1 => {
            let parts = [0, 1000, 2000, 3000].map(range);
            let columns = ["downloads", "resumed", "resumed", "resumed"];
            let parts = parts.into_iter().zip(columns);
            parts
                .map(|((part, bytes), column)| (part, column, bytes))
                .collect()
        }
        2 => vec![(plain.with("REQUEST_METHOD", "HEAD"), "heads", 0)],
        3 => vec![(get("none.iso", ip), "missing", 0)],
        4 => vec![(agent("SomeBot/2"), "bots", 0)],
        5 => vec![(plain.with("HTTP_RANGE", "bytes=0-99"), "probes", 100)],
        6 => vec![(get(&format!("{file}.mirrorlist"), ip), "documents", 0)],
        7 => vec![(get("local.iso", ip), "downloads", FILE_BYTES)],
        _ => vec![(plain, "downloads", FILE_BYTES)],
    }
}

/// Asks one front end, and returns what was sent.
fn ask_front(site: &TestSite, front: u32) -> Counts {
    let mut random = fastrand::Rng::with_seed(front.into());
    let mut sent = Counts::new();
    let (mut client_number, mut requests) = (0_u32, 0);
    for start in 1..=STARTS {
        let responder = Responder::start(site);
        let mut connection: FcgiClient = responder.connect();
        while requests < REQUESTS_PER_FRONT / STARTS * start {
            client_number += 1;
            let ip = address(front, client_number);
            let file = format!("file-{}.iso", random.usize(..FILES));
            for (request, column, bytes) in visit(&ip, &file, &mut random) {
                connection.send(&request);
                requests += 1;
                *sent.entry(("columns", column.to_owned())).or_default() += 1;
                let name = request.value("SCRIPT_NAME").expect("a path");
                let name = String::from_utf8_lossy(&name[1..]).into_owned();
                if bytes > 0 {
                    *sent.entry(("bytes", name.clone())).or_default() += bytes;
                }
                if column == "downloads" {
                    *sent.entry(("files", name)).or_default() += 1;
                }
            }
        }
        drop(connection);
        end(responder);
    }
    sent
}

/// The address of a client: networks are told apart by their first 64 bits.
fn address(front: u32, number: u32) -> String {
    assert!(number <= 0xffff, "more clients than networks");
    format!("2001:db8:{front}:{number:x}::1")
}

#[test]
fn what_two_front_ends_count_adds_up() {
    let fronts = [1, 2].map(|front| counted_site(&format!("front = \"front-{front}\"\n")));
    let mut sent = Counts::new();
    std::thread::scope(|scope| {
        let asked: Vec<_> = fronts
            .iter()
            .zip(1..)
            .map(|(site, front)| scope.spawn(move || ask_front(site, front)))
            .collect();
        for front in asked {
            for (key, count) in front.join().expect("all were answered") {
                *sent.entry(key).or_default() += count;
            }
        }
    });
    let main = counted_site("");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for site in &fronts {
        for entry in std::fs::read_dir(site.path("spool"))
            .expect("spool")
            .flatten()
        {
            let text = std::fs::read(entry.path()).expect("a spool file");
            files.push((entry.file_name().to_string_lossy().into_owned(), text));
        }
    }
    assert!(files.len() >= 2 * STARTS as usize);
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..KILLS {
        let (name, text) = &files[random.usize(..files.len())];
        bring(&main.path("spool"), name, text);
        let mut command = main.command("heliostat");
        let mut child = command
            .args(["stats", "collect", "-q"])
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_micros(random.u64(..40_000)));
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    random.shuffle(&mut files);
    for (name, text) in &files {
        bring(&main.path("spool"), name, text);
    }
    main.run_ok("heliostat", &["stats", "collect", "-q"]);
    let all: u64 = sent
        .iter()
        .filter(|((table, _), _)| *table == "columns")
        .map(|(_, n)| n)
        .sum();
    assert!(all >= u64::from(2 * REQUESTS_PER_FRONT));
    for ((table, row), count) in &sent {
        let (shown_in, number) = match *table {
            "columns" => ("columns", "requests"),
            "files" => ("files", "downloads"),
            _ => ("files", "bytes"),
        };
        assert_eq!(shown(&main, shown_in, row, number), *count, "{table} {row}");
    }
}
