//! How often each mirror of a class gets the clients: as recorded, as the exact law says, and as
//! MirrorBrain's documentation tabulates (behaviour §2.5).

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use heliostat::db;
use heliostat::db::catalogue::CatalogueWriter;
use heliostat::db::content::{self, Content, ContentOrigin};
use heliostat::db::mirror::{self, MirrorRecord};
use heliostat::domain::file::FileVersion;
use heliostat::domain::time::Timestamp;

use crate::judge::case::{lines, request};
use crate::judge::site::{build, mirrors, start};
use crate::stand_in::fcgi_client::Request;
use crate::stand_in::responder::Responder;
use crate::stand_in::site::TestSite;

/// Draws of each class.
const DRAWS: usize = 20_000;
/// Draws may differ from the law by so many standard deviations: of some hundred comparisons one
/// beyond five comes once in ten thousand runs.
const SIGMAS: f64 = 5.0;
/// Below so many expected draws the normal approximation says nothing.
const EXPECTED_MIN: f64 = 10.0;
/// Connections that draw at a time.
const CONNECTIONS: usize = 4;
/// Connections draw in parallel, each its part.
const DRAWS_A_CONNECTION: usize = DRAWS / CONNECTIONS;

/// Clients of one place and what they were given.
#[derive(Debug, Deserialize)]
struct Recorded {
    what: String,
    parameters: BTreeMap<String, String>,
    draws: usize,
    mirrors: Vec<Drawn>,
}

/// A mirror of their class: how often it was drawn, and its share by the exact law.
#[derive(Debug, Deserialize)]
struct Drawn {
    id: i64,
    drawn: usize,
    share: f64,
}

/// How often each mirror is chosen.
fn draw(responder: &Responder, request: &Request) -> HashMap<String, usize> {
    let one_connection = || {
        let mut client = responder.connect();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for _ in 0..DRAWS_A_CONNECTION {
            let answer = client.send(request);
            let mirror = answer.text("X-MirrorBrain-Mirror").expect("a redirect");
            *counts.entry(mirror).or_default() += 1;
        }
        counts
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(one_connection))
            .collect();
        let mut sum: HashMap<String, usize> = HashMap::new();
        for thread in threads {
            for (mirror, count) in thread.join().expect("a connection draws") {
                *sum.entry(mirror).or_default() += count;
            }
        }
        sum
    })
}

/// Standard deviations between a count and a share.
fn sigmas(count: usize, draws: usize, share: f64) -> f64 {
    let draws = draws as f64;
    let deviation = (draws * share * (1.0 - share)).sqrt();
    (count as f64 - draws * share).abs() / deviation.max(1.0)
}

/// Standard deviations between two counts.
fn sigmas_between(a: (usize, usize), b: (usize, usize)) -> f64 {
    let share = (a.0 + b.0) as f64 / (a.1 + b.1) as f64;
    let variance = share * (1.0 - share) * (1.0 / a.1 as f64 + 1.0 / b.1 as f64);
    (a.0 as f64 / a.1 as f64 - b.0 as f64 / b.1 as f64).abs() / variance.sqrt().max(1e-9)
}

#[test]
fn shares_are_the_recorded_ones_and_those_of_the_exact_law() {
    let site = build();
    let responder = start(&site);
    let names: HashMap<i64, String> = mirrors()
        .into_iter()
        .map(|mirror| (mirror.id.0, mirror.identifier))
        .collect();
    for recorded in lines::<Recorded>("draws.jsonl") {
        let counts = draw(&responder, &request(&recorded.parameters));
        let of_class = |drawn: &Drawn| counts.get(&names[&drawn.id]).copied().unwrap_or(0);
        let sum: usize = recorded.mirrors.iter().map(of_class).sum();
        assert_eq!(
            sum, DRAWS,
            "{}: others were drawn: {counts:?}",
            recorded.what
        );
        for drawn in &recorded.mirrors {
            let (what, mirror) = (&recorded.what, &names[&drawn.id]);
            let count = of_class(drawn);
            let expected = drawn.share * recorded.draws as f64;
            let off = sigmas(count, DRAWS, drawn.share);
            assert!(
                off < SIGMAS,
                "{what}: {mirror} {count} of {DRAWS}: {off} from {drawn:?}"
            );
            let between = sigmas_between((count, DRAWS), (drawn.drawn, recorded.draws));
            assert!(
                expected < EXPECTED_MIN || between < SIGMAS,
                "{what}: {mirror} {count} of {DRAWS}: {between} from {drawn:?}"
            );
        }
    }
}

/// Scores of a class and MirrorBrain's shares in percent (behaviour §2.5).
const TABLE: [(&[u16], &[f64]); 6] = [
    (&[100, 50, 50], &[58.4, 20.8, 20.8]),
    (&[100, 100, 100], &[33.3, 33.3, 33.3]),
    (&[100, 200, 10], &[24.5, 73.4, 2.1]),
    (&[100, 10], &[95.0, 5.0]),
    (&[50, 150, 100, 100, 100, 100, 50, 50, 30], &[6.3]),
    (&[5000, 5000, 3000, 100], &[39.8, 39.8, 19.9, 0.5]),
];
/// Points by which the shares may be off.
const POINTS: f64 = 1.5;

/// One file for each line of the table, on mirrors of these scores in one country.
fn table_site() -> TestSite {
    let site = TestSite::new();
    let mut writer = db::open_writer(&site.database()).expect("a database");
    let fill = |transaction: &db::open::Transaction<'_>| {
        let mut catalogue = CatalogueWriter::new(transaction)?;
        for (line, (scores, _)) in TABLE.iter().enumerate() {
            let path = format!("line-{line}.bin");
            site.write(&path, &[0; 5000], 1_500_000_000);
            let version = FileVersion {
                size: 5000,
                mtime: 1_500_000_000,
            };
            let mut content = Content::default();
            content
                .current
                .insert(catalogue.insert(path.as_bytes(), version)?.0);
            for (place, score) in scores.iter().enumerate() {
                let mut record = MirrorRecord::new(&format!("line-{line}-mirror-{place}"));
                record.base_url = format!("http://m{place}.example.org/");
                record.country = "de".to_owned();
                record.score = i64::from(*score);
                record.enabled = true;
                record.alive = true;
                let id = mirror::insert(transaction, &record)?;
                let origin = ContentOrigin {
                    at: Timestamp(1_500_000_000),
                    by: "test".to_owned(),
                    unknown_files: 0,
                };
                content::publish(transaction, id, &content, &origin)?;
            }
        }
        catalogue.finish()
    };
    writer.transaction(fill).expect("the database is filled");
    site
}

#[test]
fn shares_by_score_are_those_of_mirrorbrains_table() {
    let site = table_site();
    let responder = Responder::start(&site);
    for (line, (scores, shares)) in TABLE.iter().enumerate() {
        let request = Request::get(format!("/line-{line}.bin")).with("GEOIP_COUNTRY_CODE", "DE");
        let counts = draw(&responder, &request);
        for (place, share) in shares.iter().enumerate() {
            let name = format!("line-{line}-mirror-{place}");
            let count = counts.get(&name).copied().unwrap_or(0);
            let percent = 100.0 * count as f64 / DRAWS as f64;
            assert!(
                (percent - share).abs() < POINTS,
                "scores {scores:?}: {percent} % for the one at {place}, not {share} %"
            );
        }
    }
}
