//! Changed samples for the parsers of files and queries that anybody may write: read or refused,
//! never a panic, never much memory. `fuzz/` does the same for longer.

use heliostat::domain::count::dlcount::Dlcount;
use heliostat::domain::count::range::AskedRange;
use heliostat::domain::count::spool::{self, SpoolLine};
use heliostat::domain::product::{ProductArguments, ProductLead, ProductTable};
use heliostat::domain::repository::{ListArguments, ListHeading};
use heliostat::domain::topology::{NetworkForm, NetworkSet, NetworkTable, TABLE_MAGIC};
use heliostat::http::Query;
use xxhash_rust::xxh3::xxh3_64;

/// Changed samples per parser: a second or two.
const ROUNDS: usize = 2_000;

/// Changes some bytes, cuts, repeats or inserts, by a generator with a seed.
fn change(random: &mut fastrand::Rng, sample: &[u8]) -> Vec<u8> {
    const ODD: [&[u8]; 8] = [
        b"\0",
        b"\xff\xfe",
        b"-1",
        b"18446744073709551616",
        b"9223372036854775807",
        b"%00%0d%0a",
        b"\t\t\n",
        "\u{202e}\u{1b}[2J".as_bytes(),
    ];
    let mut bytes = sample.to_vec();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(0..=bytes.len());
        match random.u8(0..4) {
            0 if at < bytes.len() => bytes[at] = random.u8(..),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, random.choice(ODD).expect("some").iter().copied())),
            _ => {
                let part = bytes[at..].to_vec();
                bytes.extend(part);
            }
        }
        bytes.truncate(4096);
    }
    bytes
}

fn each(samples: &[&[u8]], check: impl Fn(&[u8])) {
    let mut random = fastrand::Rng::with_seed(8);
    for sample in samples {
        check(sample);
        for _ in 0..ROUNDS / samples.len() {
            check(&change(&mut random, sample));
        }
    }
}

#[test]
fn spool_files_are_read_or_refused_with_any_sum() {
    let whole: &[u8] = b"heliostat-spool 1\tfront\tab\t1\t1795867200\t1795867260\n\
        f\ta\\tb\\x01.iso\t1\t0\t0\t0\t0\t0\t0\t0\t10\n\
        r\tm1\tde\t680\tcountry\t1\t10\n\
        k\tredirect\tdownloads\t\t\tcountry\thttps\t6\t1\n\
        d\tp\t1\t\t\t\tde\t1\t10\n";
    each(&[whole], |body| {
        let body = String::from_utf8_lossy(body);
        let _ = spool::read(&body);
        for count in ["4", "18446744073709551615"] {
            let sum = xxh3_64(body.as_bytes());
            let text = format!("{body}end\t{count}\t{sum:016x}\n");
            let Ok((head, lines)) = spool::read(&text) else {
                continue;
            };
            assert!(head.from.0 >= 0 && head.from <= head.to);
            for line in lines {
                if let SpoolLine::Kind(_, requests) = line {
                    assert!(requests <= 1 << 56);
                }
            }
        }
    });
}

#[test]
fn tables_of_networks_are_read_or_refused_with_a_right_sum() {
    let mut set = NetworkSet::default();
    for network in ["192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32"] {
        let network = network.parse().expect("a network");
        set.insert(network, (None, Some(&b"campus"[..])), false);
    }
    let table = set.table(1_700_000_000).to_bytes();
    let content = &table[TABLE_MAGIC.len()..table.len() - 8];
    each(&[content], |content| {
        let mut bytes = [TABLE_MAGIC, content].concat();
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        if let Ok(table) = NetworkTable::from_bytes(&bytes) {
            for ip in ["192.0.2.200", "255.255.255.255", "2001:db8::1"] {
                let _ = table.find(ip.parse().expect("an address"));
            }
            assert_eq!(NetworkTable::from_bytes(&table.to_bytes()), Ok(table));
        }
    });
    let lines: [&[u8]; 4] = [
        b"192.0.2.0\t24\t64500_64501",
        b"0.0.0.0\t255.255.255.255\t64500\tDE\tNAME",
        b"TABLE_DUMP2|1|B|192.0.2.1|64500|192.0.2.0/24|64500 64501|IGP|192.0.2.1|0|0||NAG||",
        b"2001:db8::/32 AS64500 campus",
    ];
    each(&lines, |line| {
        for form in [
            NetworkForm::Pfx2as,
            NetworkForm::Iptoasn,
            NetworkForm::Bgpdump,
            NetworkForm::Plain,
        ] {
            let _ = (NetworkForm::of_line(line), form.read(line));
        }
    });
}

#[test]
fn questions_stay_one_line_and_within_bounds() {
    let samples: [&[u8]; 4] = [
        b"repo=lin-9&arch=x86_64&country=us,de&protocol=https,rsync&ip=192.0.2.1&redirect=1",
        b"path=pub/%61.iso&country=global&time=1&netblock=0",
        b"product=lantern-latest&os=win&lang=de&print=yes&attribution_code=Y29udGVudD1h",
        b"bytes=0-99,-5,9223372036854775807-18446744073709551615",
    ];
    each(&samples, |query| {
        let list = ListArguments::parse(query);
        let _ = (list.address(), list.schemes(), list.country_codes());
        assert!(list.countries.len() <= 300 && list.protocols.len() <= 300);
        if let Some(subject) = &list.subject {
            let mut heading = ListHeading::of(subject);
            heading.protocols.clone_from(&list.protocols);
            let mut line = Vec::new();
            heading.line_into(&mut line);
            let controls = line.iter().filter(|byte| byte.is_ascii_control());
            assert_eq!(controls.count(), 1, "{}", line.escape_ascii());
        }
        let table = ProductTable::default();
        let (lead, _) = ProductArguments::parse(query).resolve(
            (&Default::default(), &table),
            Default::default(),
            &mut Default::default(),
        );
        assert!(!matches!(
            lead,
            ProductLead::File(_) | ProductLead::Handoff(_)
        ));
        let _ = (Query::parse(query), AskedRange::parse(query, Some(1 << 40)));
    });
}

#[test]
fn rules_of_dlcount_are_read_or_refused() {
    let rules: &[u8] = b"StatsLogMask '^(\\S+).+\"GET (\\S*) HTTP.*' \nStatsDupWindow 200\n\
        StatsIgnoreIP 10.0.\nStatsPreFilter \"/+\" \"/\"\n\
        StatsCount \"^/(\\w+)/(\\d+)\\.iso$\" \"\\1 \\2 \\1 en\"\n";
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..ROUNDS / 20 {
        let bytes = change(&mut random, rules);
        let _ = Dlcount::parse(&String::from_utf8_lossy(&bytes), true);
    }
}

/// 10,000 arguments, a value of a megabyte, 100,000 countries: none takes a noticeable time.
#[test]
fn long_queries_cost_nothing() {
    let begun = std::time::Instant::now();
    let many: String = (0..10_000).map(|n| format!("a{n}=x&")).collect();
    let long = format!("repo={}&arch=x", "%41".repeat(350_000));
    let countries = format!("path=x&country={}", "de,us,".repeat(100_000));
    for query in [&many, &long, &countries] {
        let list = ListArguments::parse(query.as_bytes());
        assert!(list.countries.len() <= 2);
        let _ = ProductArguments::parse(query.as_bytes());
        let _ = Query::parse(query.as_bytes());
    }
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
