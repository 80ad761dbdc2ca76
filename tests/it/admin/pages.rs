//! `heliostat pages`: status pages for everybody and for admins.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use heliostat::db::follow::sums::{self, FollowRecord};
use heliostat::db::{event, open_reader, open_writer, overview::history};
use heliostat::domain::follow::result::FollowResult;
use heliostat::domain::mirror::MirrorId;
use heliostat::domain::time::Timestamp;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::stand_in::paged_site::{
    FILES, OLD_FILES, add_paged, now, paged_site, pages, probed, read_all, store_past, store_probes,
};
use crate::stand_in::site::{TestSite, failure};
use crate::stand_in::spooled::{Sent, bring, spool_file};

/// The largest page.
const PAGE_BYTES_MAX: usize = 200_000;

fn json(files: &BTreeMap<String, String>) -> Value {
    serde_json::from_str(&files["mirrors.json"]).expect("JSON")
}

/// The entry of a mirror's URL.
fn entry<'v>(list: &'v Value, name: &str, protocol: &str) -> &'v Value {
    let urls = list["urls"].as_array().expect("URLs");
    let fits = |url: &&Value| url["heliostat"]["mirror"] == name && url["protocol"] == protocol;
    urls.iter().find(fits).expect("an entry")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn e1_e2_e3_e4_mirrors_have_archs_numbers() {
    let site = paged_site("");
    // The late mirror lacks the 25 files of three hours ago.
    let late = add_paged(&site, "late.example.org", FILES - 25, |_| {});
    add_paged(&site, "new.example.org", FILES, |_| {});
    let silent = add_paged(&site, "silent.example.org", OLD_FILES, |m| m.alive = false);
    let checks = |mirror, latency: fn(i64) -> Option<u64>| {
        let checks = (0..24).map(|hour| probed(mirror, now() - hour * 3590, latency(hour)));
        store_probes(&site, &checks.rev().collect::<Vec<_>>());
    };
    checks(late, |hour| (hour % 4 != 3).then_some(200));
    checks(silent, |_| None);
    let list = json(&pages(&site, &[]));
    assert_eq!(
        (&list["version"], &list["cutoff"]),
        (&3.into(), &86_400.into())
    );
    assert_eq!(list["check_frequency"], 60);
    let late = entry(&list, "late.example.org", "https");
    assert_eq!(number(&late["completion_pct"]), 0.75, "E1: {late}");
    assert_eq!(
        (
            number(&late["duration_avg"]),
            number(&late["duration_stddev"])
        ),
        (0.2, 0.0)
    );
    let delay = number(&late["delay"]);
    assert!((10_800.0..10_900.0).contains(&delay), "E4: {delay}");
    assert_eq!(late["heliostat"]["lag"], late["delay"], "E4");
    let expected = (delay / 3600.0 + 0.2) / 0.75;
    assert!(
        (number(&late["score"]) - expected).abs() < 0.0001,
        "E1: {late}"
    );
    let synced = late["last_sync"].as_str().and_then(Timestamp::parse);
    let before = now() - synced.expect("a time").0 - 2 * 86_400;
    assert!(
        (0..100).contains(&before),
        "E4: the news before are two days old"
    );
    assert_eq!(
        (&late["ipv4"], &late["ipv6"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (&late["country"], &late["country_code"]),
        (&"Germany".into(), &"DE".into())
    );
    assert_eq!(
        (&late["active"], &late["isos"]),
        (&true.into(), &true.into())
    );
    assert_unknown(&list);
}

/// E2: a mirror that never answers; E3: one that was never probed.
fn assert_unknown(list: &Value) {
    let silent = entry(list, "silent.example.org", "https");
    assert_eq!(number(&silent["completion_pct"]), 0.0);
    let expected = number(&silent["delay"]) / 3600.0 / 0.005;
    assert!(
        (number(&silent["score"]) - expected).abs() < 0.001,
        "E2: {silent}"
    );
    assert_eq!(silent["active"], false);

    let new = entry(list, "new.example.org", "https");
    for key in [
        "completion_pct",
        "duration_avg",
        "duration_stddev",
        "score",
        "ipv4",
    ] {
        assert_eq!(new[key], Value::Null, "E3: {key}");
    }
    assert_eq!(new["delay"], 0);
}

/// Reads the list as `reflector` of Arch Linux does: all fields that it reads, in its way.
fn read_as_reflector(text: &str) -> Vec<(String, String)> {
    let status: Value = serde_json::from_str(text).expect("JSON");
    // strptime(…, '%Y-%m-%dT%H:%M:%SZ')
    let time = |value: &Value| {
        let text = value.as_str().expect("a text");
        assert_eq!((text.len(), text.ends_with('Z')), (20, true), "{text}");
        Timestamp::parse(text).expect("a time").0
    };
    time(&status["last_check"]);
    let mut kept = Vec::new();
    for mirror in status["urls"].as_array().expect("a list") {
        if mirror["last_sync"].is_null() {
            continue;
        }
        let (synced, delay) = (time(&mirror["last_sync"]), mirror["delay"].as_i64());
        let protocol = mirror["protocol"].as_str().expect("a protocol");
        let is_whole = mirror["completion_pct"]
            .as_f64()
            .is_some_and(|share| share >= 1.0);
        let is_recent = now() - synced <= 24 * 3600 && delay.is_some_and(|delay| delay <= 3600);
        let is_country = mirror["country"] == "Germany" || mirror["country_code"] == "DE";
        let has_both = mirror["isos"].is_boolean() && mirror["active"].is_boolean();
        if is_whole && is_recent && is_country && has_both && protocol == "https" {
            let score = mirror["score"].as_f64().expect("a score");
            let url = mirror["url"].as_str().expect("a URL");
            kept.push((
                format!("{score:.4}"),
                format!("Server = {url}$repo/os/$arch"),
            ));
        }
    }
    kept.sort();
    kept
}

#[test]
fn arch_linuxs_client_reads_the_list() {
    let site = paged_site("");
    for (name, ms, files) in [
        ("slow", 900, FILES),
        ("quick", 50, FILES),
        ("late", 10, OLD_FILES),
    ] {
        let id = add_paged(&site, &format!("{name}.example.org"), files, |_| {});
        store_probes(
            &site,
            &[
                probed(id, now() - 60, Some(ms)),
                probed(id, now(), Some(ms)),
            ],
        );
    }
    let servers = read_as_reflector(&pages(&site, &[])["mirrors.json"]);
    let servers: Vec<&str> = servers.iter().map(|(_, line)| line.as_str()).collect();
    let expected = ["quick", "slow"];
    let expected =
        expected.map(|name| format!("Server = https://{name}.example.org/pub/$repo/os/$arch"));
    assert_eq!(servers, expected);
}

/// A site with a mirror that only its own clients may know, and one of each other kind.
fn mixed_site() -> (TestSite, MirrorId) {
    let site = paged_site("[site.test.stats]\nspool = \"spool\"\n");
    std::fs::create_dir(site.path("spool")).expect("the spool folder");
    let public = add_paged(&site, "mirror-a", FILES, |m| {
        m.operator_name = "<b>&\" Ltd".to_owned();
        m.operator_url = "https://joe:pw@operator.example/?a=1&b=\"".to_owned();
        m.admin_email = "secret-mail@example.org".to_owned();
        m.comment = "secret comment".to_owned();
        m.rsync_url = "rsync://joe:pw@mirror-a/pub/".to_owned();
    });
    add_paged(&site, "mirror-b", FILES, |m| {
        (m.private, m.prefix) = (true, "10.0.0.0/8".to_owned());
        (m.country, m.operator_name) = ("jp".to_owned(), "secret operator".to_owned());
    });
    add_paged(&site, "secret-off", FILES, |m| m.enabled = false);
    add_paged(&site, "secret-as", FILES, |m| {
        (m.asn, m.as_only) = (64_500, true)
    });
    let mut writer = open_writer(&site.database()).expect("a database");
    let told = writer.transaction(|transaction| {
        for (mirror, what) in [
            (1, "down: <b>&\"; to see it: curl secret-command"),
            (2, "secret event"),
        ] {
            let (at, id) = (Timestamp(now() - 60), Some(MirrorId(mirror)));
            event::record(transaction, at, "heliostat-probe", id, what)?;
        }
        event::record(
            transaction,
            Timestamp(now()),
            "joe",
            Some(public),
            "secret act",
        )
    });
    told.expect("events");
    (site, public)
}

#[test]
fn e5_values_are_escaped_and_private_mirrors_are_nowhere() {
    let (site, _) = mixed_site();
    let mut sent = Sent::default();
    let mut random = fastrand::Rng::with_seed(7);
    let (name, text) = spool_file(
        ("f", 1, 1),
        Timestamp(now()),
        20_000,
        (&mut random, &mut sent),
    );
    bring(&site.path("spool"), &name, &text);
    site.run_ok("heliostat", &["stats", "collect", "--quiet"]);
    let files = pages(&site, &[]);
    for (name, text) in &files {
        for part in ["mirror-b", "secret", "joe:pw", "<b>&"] {
            assert!(!text.contains(part), "{name}: {part}");
        }
        assert!(text.len() <= PAGE_BYTES_MAX, "{name}: {}", text.len());
        for foreign in [
            "<script",
            "javascript:",
            "src=\"http",
            " style=\"",
            "@import",
            "url(",
        ] {
            assert!(!text.contains(foreign), "{name}: {foreign}");
        }
    }
    let page = &files["mirror/mirror-a.html"];
    assert!(page.contains("&#60;b&#62;&#38;&#34; Ltd"), "{page}");
    assert!(files["feed.atom"].contains("mirror-a: down: &lt;b&gt;&amp;&quot;"));
    assert!(
        files["index.html"].contains("<b>1 of 1</b>"),
        "{}",
        files["index.html"]
    );
    // The share of the only other mirror does not tell the downloads of the private one.
    let list = json(&files);
    assert_eq!(
        entry(&list, "mirror-a", "https")["heliostat"]["share_30d"],
        1.0
    );
    let statistics = &files["statistics.html"];
    assert!(
        !statistics.contains("mirror: country"),
        "tiers are not told apart"
    );
    assert_sums(&site, statistics, &sent);
    assert_admin(&site);
}

/// Pages for admins have everything.
fn assert_admin(site: &TestSite) {
    let all = site.path("admin");
    let arguments = [
        "pages",
        "-q",
        "--admin",
        "--out",
        all.to_str().expect("a path"),
    ];
    site.run_ok("heliostat", &arguments);
    let all = read_all(&all);
    for (name, part) in [
        ("mirror/mirror-b.html", "secret operator"),
        ("mirror/mirror-a.html", "secret-mail@example.org"),
        ("mirror/mirror-a.html", "secret act"),
        ("mirror/secret-off.html", "disabled"),
        ("statistics.html", "mirror: country"),
    ] {
        assert!(all[name].contains(part), "{name}: {part}");
    }
    let private = entry(&json(&all), "mirror-b", "https")["heliostat"]["share_30d"].clone();
    assert!(number(&private) > 0.3, "{private}");
}

/// The numbers of the page are those that were sent.
fn assert_sums(site: &TestSite, page: &str, sent: &Sent) {
    let of = |table: &'static str, row: &str| sent.0[&(table, row.to_owned())];
    let row = |name: &str, number: u64| format!("<th scope=\"row\">{name}</th><td>{number}</td>");
    let day = Timestamp(now()).to_string()[..10].to_owned();
    for expected in [
        row(&day, of("columns", "downloads")),
        row("Germany", of("countries", "de")),
        row("France", of("countries", "fr")),
        row("AS7", of("as", "7")),
    ] {
        assert!(page.contains(&expected), "{expected}: {page}");
    }
    let requests: u64 = sent
        .0
        .iter()
        .filter(|((table, _), _)| *table == "columns")
        .map(|(_, number)| number)
        .sum();
    assert!(
        page.contains(&format!("{requests} requests in all")),
        "{page}"
    );
    let json = site.run_ok("heliostat", &["stats", "countries", "--json"]);
    assert!(json.contains(&of("countries", "jp").to_string()), "{json}");
}

#[test]
fn without_statistics_the_pages_say_so() {
    let site = paged_site("");
    add_paged(&site, "m.example.org", FILES, |_| {});
    let files = pages(&site, &[]);
    assert!(files["statistics.html"].contains("This site keeps no statistics."));
    assert_eq!(
        entry(&json(&files), "m.example.org", "https")["heliostat"]["share_30d"],
        Value::Null
    );
}

#[test]
fn the_overview_says_how_often_redirects_were_wrong() {
    let site = paged_site("");
    let mirror = add_paged(&site, "m.example.org", FILES, |_| {});
    assert!(!pages(&site, &[])["index.html"].contains("Wrong redirects"));
    let follow = |result, count, is_weighted| {
        let one = FollowRecord {
            mirror,
            result,
            is_weighted,
        };
        let mut writer = open_writer(&site.database()).expect("a database");
        let stored = writer
            .transaction(|transaction| sums::add(transaction, &vec![one; count], Timestamp(now())));
        stored.expect("results");
    };
    follow(FollowResult::Right, 98, true);
    follow(FollowResult::NotFound, 1, true);
    // The network of this host is nobody's fault.
    follow(FollowResult::Unreachable, 50, true);
    let page = &pages(&site, &[])["index.html"];
    for part in [
        "too few for a rate",
        "1 of 99 redirects followed in 30 days",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    follow(FollowResult::Right, 1, true);
    let page = &pages(&site, &[])["index.html"];
    for part in ["1.00 %", "of 100 redirects", "between 0.18 and 5.45 %"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    follow(FollowResult::Right, 1, false);
    assert!(pages(&site, &[])["index.html"].contains("of 101 files drawn"));
}

#[test]
fn e7_page_list_and_explain_have_the_same_word() {
    let site = paged_site("[site.test.rules]\nmin_size = 0\n");
    let id = add_paged(&site, "m.example.org", FILES, |m| m.alive = false);
    store_probes(&site, &[probed(id, now(), None)]);
    let path = "dist/00001.rpm";
    site.write(path, b"x", 1);
    let files = pages(&site, &[]);
    let list = json(&files);
    assert_eq!(
        entry(&list, "m.example.org", "https")["heliostat"]["reason"],
        "dead"
    );
    let page = &files["mirror/m.example.org.html"];
    assert!(page.contains("<code>dead</code>") && page.contains("found down by the prober"));
    assert!(files["mirrors.html"].contains("found down by the prober"));
    let url = format!("/{path}");
    let explained = site.run_ok("heliostat", &["explain", &url, "--json"]);
    assert!(explained.contains("\"dead\""), "{explained}");
    assert!(files["badge/m.example.org.svg"].contains("m.example.org: down"));
    assert!(!files["mirrors.txt"].contains("m.example.org"));
}

#[test]
fn the_past_is_recorded_and_shown() {
    let site = paged_site("");
    let id = add_paged(&site, "m.example.org", FILES, |_| {});
    let late = add_paged(&site, "late.example.org", FILES - 25, |_| {});
    for id in [id, late] {
        store_past(&site, id, 20);
        store_probes(&site, &[probed(id, now(), Some(80))]);
    }
    let files = pages(&site, &[]);
    let reader = open_reader(&site.database()).expect("a database");
    let days = history::mirror_days(&reader, id, 0).expect("days");
    let today = days.last().expect("today");
    assert_eq!(days.len(), 21);
    assert_eq!(
        (today.coverage, today.lag, today.up_share),
        (Some(1.0), Some(0), Some(1.0))
    );
    let hours = history::hours(&reader, id, 0).expect("hours");
    assert_eq!(
        (hours.len(), hours[0].sums.ms_sum, hours[0].sums.ms_sq),
        (1, 80, 6400)
    );
    let page = &files["mirror/m.example.org.html"];
    assert!(
        page.contains("aria-label=\"Sync: 14 of 14 days good\""),
        "{page}"
    );
    assert!(page.contains("<td>80 ms</td>"), "{page}");
    // The news of two days and of three hours ago: both mirrors have the first, one the second.
    let rollout = &files["rollout.html"];
    assert!(rollout.contains("<td>40</td><td>2 of 2</td>"), "{rollout}");
    assert!(rollout.contains("<td>25</td><td>1 of 2</td>"), "{rollout}");
    let arrivals = history::arrivals(&reader, 0).expect("arrivals");
    assert_eq!(arrivals.len(), 3, "{arrivals:?}");
    assert_eq!(
        pages(&site, &[])["rollout.html"].matches("1 of 2").count(),
        1
    );
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let site = paged_site("");
    add_paged(&site, "m.example.org", FILES, |_| {});
    let out = site.path("out");
    let refused = |arguments: &[&str], part: &str| {
        let all = [
            &["pages", "--out", out.to_str().expect("a path")],
            arguments,
        ]
        .concat();
        let (code, said) = failure(&site.run("heliostat", &all));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    };
    std::fs::create_dir(&out).expect("a folder");
    pages(&site, &[]);
    refused(&["--admin"], "has other pages ('public test'");
    refused(&["--url", "ftp://x/"], "is no URL of a folder");
    std::fs::remove_dir_all(&out).expect("removed");
    std::fs::create_dir(&out).expect("a folder");
    std::fs::write(out.join("thesis.txt"), "mine").expect("a file");
    refused(&[], "has other files");
    assert_eq!(read_all(&out)["thesis.txt"], "mine");
    std::fs::remove_dir_all(&out).expect("removed");
    std::fs::write(&out, "a file").expect("a file");
    refused(&[], "is no folder");
    let left = std::fs::read_dir(site.path("")).expect("the folder");
    let left = left.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().starts_with(".heliostat-pages-")
    });
    assert_eq!(left.count(), 0, "nothing stays aside");
}

#[test]
fn e6_killed_at_any_moment_the_set_is_the_old_or_the_new_one() {
    let site = paged_site("");
    for number in 0..40 {
        add_paged(&site, &format!("m{number}.example.org"), FILES, |_| {});
    }
    let began = Instant::now();
    let count = pages(&site, &[]).len();
    let whole = began.elapsed();
    let out = site.path("out");
    for moment in 0..25 {
        let mut command = site.command("heliostat");
        let command = command.args(["pages", "-q", "--out", out.to_str().expect("a path")]);
        let mut child = command.spawn().expect("it starts");
        let until = Instant::now() + whole * moment / 22;
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().expect("it ends");
        let files = read_all(&out);
        assert_eq!(files.len(), count);
        let made = |text: &str| {
            text.split_once("Made at ")
                .map(|(_, made)| made[..20].to_owned())
        };
        let times: Vec<_> = files.values().filter_map(|text| made(text)).collect();
        assert_eq!(times.len(), 44);
        assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
        json(&files);
    }
}

#[test]
fn e8_pages_of_600_mirrors_are_small() {
    let site = paged_site("");
    for number in 0..600 {
        let name = format!("m{number}.a-quite-long-name-of-a-mirror.example.org");
        let id = add_paged(&site, &name, FILES, |m| m.alive = number % 2 == 0);
        if number % 10 == 0 {
            store_past(&site, id, 90);
        }
    }
    let files = pages(&site, &[]);
    let bytes: usize = files.values().map(String::len).sum();
    assert!(bytes <= 60_000_000, "{bytes}");
    let is_page = |name: &&String| name.ends_with(".html") || name.ends_with(".svg");
    for name in files.keys().filter(is_page) {
        assert!(
            files[name].len() <= PAGE_BYTES_MAX,
            "{name}: {}",
            files[name].len()
        );
    }
    let rows: usize = (1..20)
        .filter_map(|part| match part {
            1 => files.get("mirrors.html"),
            part => files.get(&format!("mirrors-{part}.html")),
        })
        .map(|page| {
            page.matches("<tr><th scope=\"row\">").count() + page.matches("<tr id=").count()
        })
        .sum();
    assert_eq!(rows, 600);
}

/// Whoever may write in the folder may put there what never ends.
#[test]
fn a_mark_that_is_no_file_is_refused_at_once() {
    let site = paged_site("");
    let out = site.path("pages");
    std::fs::create_dir(&out).expect("a folder");
    let mark = out.join(".heliostat-pages");
    let out = out.display().to_string();
    for kind in ["a FIFO", "a device"] {
        match kind {
            "a FIFO" => mknodat(CWD, &mark, FileType::Fifo, Mode::from(0o644), 0).expect("a FIFO"),
            _ => std::os::unix::fs::symlink("/dev/zero", &mark).expect("a link"),
        }
        let output = site.run("heliostat", &["pages", "--out", &out]);
        assert!(failure(&output).1.contains(kind), "{output:?}");
        std::fs::remove_file(&mark).expect("it is as it was");
    }
}
