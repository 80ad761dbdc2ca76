//! The law as a whole: order, tiers, shares, exclusions.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::domain::health::{Family, Reach, Reachability};
use crate::domain::mirror::{Mirror, MirrorCountry, MirrorDrain, MirrorId, MirrorKind};
use crate::domain::place::{Asn, Coordinates, CountryCode, Place, RegionCode};
use crate::domain::time::Timestamp;
use crate::domain::topology::{NetworkRules, TopologyRule};
use crate::domain::url::{BaseUrl, Scheme};

/// Who has the file.
struct Has(Vec<u64>);

impl Holdings for Has {
    fn word(&self, word: usize) -> u64 {
        self.0.get(word).copied().unwrap_or(0)
    }

    fn why_not(&self, _: usize) -> Reason {
        Reason::FileMissing
    }
}

fn has(mirrors: &[bool]) -> Has {
    let present = mirrors.iter().enumerate().filter(|(_, has)| **has);
    let set: MirrorSet = present.map(|(index, _)| index).collect();
    Has((0..set.words()).map(|word| set.word(word)).collect())
}

fn all() -> Has {
    Has(vec![u64::MAX])
}

fn table(roster: &Roster, question: &Question<'_>, scheme: Scheme) -> ClassTable {
    let family = question.ip.map(Family::of);
    roster.classes(&question.place, Access::of(scheme, family))
}

fn mirror(id: i64, country: &str, region: &str, score: u16) -> Mirror {
    let mut mirror = Mirror::new(&format!("m{id}"));
    mirror.id = MirrorId(id);
    mirror.base_url = BaseUrl::parse(&format!("http://m{id}/")).ok();
    (mirror.enabled, mirror.alive, mirror.score) = (true, true, score);
    mirror.country = match country {
        "**" => MirrorCountry::Everywhere,
        code => {
            CountryCode::parse(code.as_bytes()).map_or(MirrorCountry::Unknown, MirrorCountry::Of)
        }
    };
    mirror.region = RegionCode::parse(region.as_bytes());
    mirror
}

fn question(country: &str, region: &str) -> Question<'static> {
    Question {
        ip: "192.0.2.1".parse().ok(),
        place: Place {
            country: CountryCode::parse(country.as_bytes()),
            region: RegionCode::parse(region.as_bytes()),
            coordinates: None,
            asn: None,
        },
        own_asn: None,
        size: 1000,
        want: 5,
        cached: None,
        drains: DrainMoment {
            now: Timestamp(0),
            is_drawn: true,
            is_last_resort: false,
        },
        rules: &[],
    }
}

fn generator(seed: u64) -> impl FnMut() -> u16 {
    let mut random = fastrand::Rng::with_seed(seed);
    move || random.u16(..=0x7fff)
}

fn select(mirrors: Vec<Mirror>, question: &Question<'_>, has: &Has) -> Vec<(String, Tier, Realm)> {
    let roster = Roster::new(mirrors);
    let table = table(&roster, question, Scheme::Http);
    let mut selector = Selector::new(generator(1));
    let selection = selector.select(&Law::default(), (&roster, &table), question, has);
    let name = |index: usize| roster.mirrors()[index].identifier.clone();
    selection
        .candidates
        .iter()
        .map(|c| (name(c.mirror), c.tier, c.realm))
        .collect()
}

fn names(selected: &[(String, Tier, Realm)]) -> Vec<&str> {
    selected.iter().map(|(name, ..)| name.as_str()).collect()
}

#[test]
fn tiers_come_in_order_and_the_first_that_has_the_file_decides() {
    let near = |m: &mut Mirror| m.prefixes = vec!["192.0.2.0/24".parse().expect("a prefix")];
    let mut mirrors = vec![
        mirror(1, "us", "na", 100),
        mirror(2, "fr", "eu", 100),
        mirror(3, "de", "eu", 100),
        mirror(4, "us", "na", 100),
        mirror(5, "us", "na", 100),
    ];
    mirrors[3].asns.extend(Asn::new(64500));
    near(&mut mirrors[4]);
    let mut question = question("de", "eu");
    question.place.asn = Asn::new(64500);
    let everybody = select(mirrors.clone(), &question, &all());
    assert_eq!(names(&everybody), ["m5", "m4", "m3", "m2", "m1"]);
    let some = has(&[true, true, true, false, false]);
    assert_eq!(
        names(&select(mirrors, &question, &some)),
        ["m3", "m2", "m1"]
    );
}

#[test]
fn stand_ins_count_only_when_the_country_has_none_and_vanish_otherwise() {
    let mut stand_in = mirror(1, "fr", "eu", 100);
    stand_in.other_countries = "be, lu".to_owned();
    let own = mirror(2, "be", "eu", 100);
    let question = question("be", "eu");
    let both = select(vec![stand_in.clone(), own.clone()], &question, &all());
    assert_eq!(names(&both), ["m2"]);
    let alone = select(vec![stand_in, own], &question, &has(&[true, false]));
    assert_eq!(
        alone,
        [("m1".to_owned(), Tier::Country, Realm::OtherCountry)]
    );
}

#[test]
fn a_mirror_that_cannot_deliver_the_size_is_a_reserve_whatever_its_flags() {
    let mut small = mirror(1, "de", "eu", 100);
    (small.file_maxsize, small.country_only) = (999, true);
    let question = question("us", "na");
    let selected = select(vec![small.clone()], &question, &all());
    assert_eq!(
        selected,
        [(
            "m1".to_owned(),
            Tier::Elsewhere,
            Realm::Tier(Tier::Elsewhere)
        )]
    );
    small.file_maxsize = 1000;
    assert!(select(vec![small], &question, &all()).is_empty());
}

#[test]
fn https_and_ipv4_clients_are_never_sent_where_they_cannot_go() {
    let http = mirror(1, "de", "eu", 100);
    let mut v6 = mirror(2, "de", "eu", 100);
    v6.ipv6_only = true;
    let mut question = question("de", "eu");
    assert_eq!(
        names(&select(vec![http.clone(), v6.clone()], &question, &all())),
        ["m1"]
    );
    question.ip = "2001:db8::1".parse::<IpAddr>().ok();
    assert_eq!(
        select(vec![http.clone(), v6.clone()], &question, &all()).len(),
        2
    );
    let roster = Roster::new(vec![http, v6]);
    let table = table(&roster, &question, Scheme::Https);
    let mut selector = Selector::new(generator(1));
    let explained = selector.explain(&Law::default(), (&roster, &table), &question, &all());
    assert!(explained.candidates.is_empty() && explained.rows_found);
    assert_eq!(
        explained.excluded,
        [(0, Reason::NoHttps), (1, Reason::NoHttps)]
    );
}

#[test]
fn with_coordinates_the_nearest_wins_and_scores_buy_distance() {
    let at = |id, longitude, score| {
        let mut mirror = mirror(id, "de", "eu", score);
        mirror.coordinates = Coordinates::known(50.0, longitude);
        mirror
    };
    let mut question = question("de", "eu");
    question.place.coordinates = Coordinates::known(50.0, 8.0);
    // 2,000,000 / 2 / 100 = 10 degrees for a score of 100, 5 degrees for 200.
    let far_and_strong = at(2, 12.0, 200);
    let chosen = select(vec![at(1, 8.5, 100), far_and_strong], &question, &all());
    assert_eq!(names(&chosen), ["m2", "m1"]);
    let chosen = select(vec![at(1, 8.5, 100), at(2, 14.0, 200)], &question, &all());
    assert_eq!(names(&chosen), ["m1", "m2"]);
}

#[test]
fn a_spread_shares_a_place_among_the_mirrors_near_enough() {
    let at = |id, longitude| {
        let mut mirror = mirror(id, "de", "eu", 100);
        mirror.coordinates = Coordinates::known(50.0, longitude);
        mirror
    };
    let roster = Roster::new(vec![at(1, 8.1), at(2, 9.0), at(3, 30.0)]);
    let mut question = question("de", "eu");
    question.place.coordinates = Coordinates::known(50.0, 8.0);
    let table = table(&roster, &question, Scheme::Http);
    let law = Law {
        spread: 2000,
        ..Law::default()
    };
    let mut selector = Selector::new(generator(7));
    let mut counts = [0; 3];
    for _ in 0..2000 {
        let selection = selector.select(&law, (&roster, &table), &question, &all());
        counts[selection.candidates[0].mirror] += 1;
    }
    assert!(
        counts[0] > 900 && counts[1] > 900 && counts[2] == 0,
        "{counts:?}"
    );
    let explained = selector.explain(&law, (&roster, &table), &question, &all());
    let shares: Vec<f64> = explained.candidates.iter().map(|c| c.probability).collect();
    assert!(
        (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9,
        "{shares:?}"
    );
}

#[test]
fn dead_ipv6_comes_last_for_everybody_while_another_mirror_is_there() {
    let half = |id, country, region| {
        let mut mirror = mirror(id, country, region, 100);
        mirror.reach = vec![Reach {
            scheme: Scheme::Http,
            v4: Reachability::Open,
            v6: Reachability::Dead,
        }];
        mirror
    };
    let mirrors = vec![
        half(1, "us", "na"),
        half(2, "de", "eu"),
        mirror(3, "jp", "as", 1),
    ];
    let question = question("de", "eu");
    let last = |name: &str| (name.to_owned(), Tier::Last, Realm::Tier(Tier::Last));
    let far = Realm::Tier(Tier::Elsewhere);
    let first = ("m3".to_owned(), Tier::Elsewhere, far);
    let found = select(mirrors.clone(), &question, &all());
    assert_eq!(found, [first, last("m2"), last("m1")]);
    assert_eq!(found[1].2.as_str(), "other", "MirrorBrain has no such word");
    // Alone they are as near as they are.
    let near = ("m2".to_owned(), Tier::Country, Realm::Tier(Tier::Country));
    let found = select(mirrors.clone(), &question, &has(&[true, true, false]));
    assert_eq!((&found[0], found.len()), (&near, 2));
    let roster = Roster::new(mirrors);
    let table = table(&roster, &question, Scheme::Http);
    let mut selector = Selector::new(generator(1));
    let explained = selector.explain(&Law::default(), (&roster, &table), &question, &all());
    let later: Vec<_> = explained.candidates.iter().map(|c| c.later).collect();
    assert_eq!(
        later,
        [None, Some(Reason::DeadIpv6), Some(Reason::DeadIpv6)]
    );
    assert_eq!(explained.candidates[0].probability, 1.0);
}

#[test]
fn http_stands_in_for_https_only_when_nobody_has_https() {
    let plain = mirror(1, "de", "eu", 100);
    let mut secure = mirror(2, "us", "na", 100);
    secure.further_base_urls = BaseUrl::parse("https://m2/").into_iter().collect();
    let roster = Roster::new(vec![plain, secure]);
    let question = question("de", "eu");
    let chosen = |policy, has: &Has| {
        let access = Access {
            https_to_http: policy,
            ..Access::of(Scheme::Https, Some(Family::V4))
        };
        let table = roster.classes(&question.place, access);
        let site = (&roster, &table);
        let mut selector = Selector::new(generator(1));
        let found = selector.explain(&Law::default(), site, &question, has);
        let name = |candidate: &Candidate| roster.mirrors()[candidate.mirror].identifier.clone();
        let names: Vec<String> = found.candidates.iter().map(name).collect();
        let reasons: Vec<Reason> = found.excluded.iter().map(|(_, reason)| *reason).collect();
        (names.join(" "), reasons)
    };
    let none = Vec::new();
    let (first, no_https) = (has(&[true, false]), vec![Reason::NoHttps]);
    let missing = Reason::FileMissing;
    for (policy, has, expected) in [
        (HttpsToHttp::Never, &all(), ("m2", no_https.clone())),
        (
            HttpsToHttp::Never,
            &first,
            ("", vec![Reason::NoHttps, missing]),
        ),
        (HttpsToHttp::IfNone, &all(), ("m2", no_https)),
        (HttpsToHttp::IfNone, &first, ("m1", vec![missing])),
        (HttpsToHttp::Always, &all(), ("m1 m2", none)),
    ] {
        let (names, reasons) = chosen(policy, has);
        assert_eq!((names.as_str(), reasons), expected, "{policy:?}");
    }
}

#[test]
fn caches_get_what_they_may_and_say_why_not() {
    let cache = |id, ttl_s| {
        let mut mirror = mirror(id, "de", "eu", 100);
        mirror.kind = MirrorKind::Cache;
        mirror.cache.ttl_s = ttl_s;
        mirror
    };
    let mut small = cache(3, 0);
    small.file_maxsize = 999;
    let mirrors = vec![cache(1, 100), cache(2, 101), small];
    let mut question = question("de", "eu");
    question.cached = Some(CacheFile {
        path: b"a",
        is_mutable: false,
        is_version_known: true,
        seen_at: Some(Timestamp(1000)),
        is_signed: false,
        now: Timestamp(1100),
    });
    let nobody = has(&[]);
    let roster = Roster::new(mirrors);
    let table = table(&roster, &question, Scheme::Http);
    let mut selector = Selector::new(generator(1));
    let site = (&roster, &table);
    let found = selector.explain(&Law::default(), site, &question, &nobody);
    let chosen: Vec<usize> = found.candidates.iter().map(|c| c.mirror).collect();
    assert_eq!(chosen, [0]);
    assert_eq!(
        found.excluded,
        [(1, Reason::CacheUnsettled), (2, Reason::CacheSize)]
    );
    // Of a directory they have everything.
    question.cached = None;
    let found = selector.select(&Law::default(), site, &question, &nobody);
    assert_eq!(found.candidates.len(), 3);
}

/// Case B9 of the specification of caches.
#[test]
fn caches_of_a_tier_share_paths_and_mirrors_keep_their_share() {
    let cache = |id| {
        let mut mirror = mirror(id, "de", "eu", 100);
        mirror.kind = MirrorKind::Cache;
        mirror
    };
    let roster = Roster::new(vec![cache(1), mirror(2, "de", "eu", 100), cache(3)]);
    let mut question = question("de", "eu");
    let file = |path| CacheFile {
        path,
        is_mutable: false,
        is_version_known: true,
        seen_at: None,
        is_signed: false,
        now: Timestamp(1100),
    };
    let mut firsts = Vec::new();
    for path in [&b"a.iso"[..], b"b.iso", b"c.iso", b"d.iso", b"e.iso"] {
        question.cached = Some(file(path));
        question.want = 1;
        let table = table(&roster, &question, Scheme::Http);
        let (law, site, mirrors) = (Law::default(), (&roster, &table), has(&[false, true]));
        let mut selector = Selector::new(generator(7));
        let mut draws = [0; 3];
        for _ in 0..3000 {
            let found = selector.select(&law, site, &question, &mirrors);
            draws[found.candidates[0].mirror] += 1;
        }
        assert!((900..1100).contains(&draws[1]), "{draws:?}");
        assert!(
            draws[0] == 0 || draws[2] == 0,
            "one cache per path: {draws:?}"
        );
        let explained = selector.explain(&law, site, &question, &mirrors);
        for candidate in &explained.candidates {
            let seen = f64::from(draws[candidate.mirror]) / 3000.0;
            assert!((candidate.probability - seen).abs() < 0.04, "{explained:?}");
        }
        let order = explained.candidates.iter().map(|c| c.mirror);
        let caches: Vec<usize> = order.filter(|mirror| *mirror != 1).collect();
        assert!(draws[caches[0]] > 0, "the first one is the path's own");
        firsts.push(caches[0]);
    }
    assert!(firsts.contains(&0) && firsts.contains(&2), "{firsts:?}");
}

/// Cases A9 and A10 of the specification of rules.
#[test]
fn a_rule_names_mirrors_whatever_their_flags_until_they_cannot_serve() {
    let mut own = mirror(2, "us", "na", 1);
    own.as_only = true;
    let roster = Roster::new(vec![
        mirror(1, "de", "eu", 1000),
        own,
        mirror(3, "au", "oc", 100),
        mirror(4, "de", "eu", 100),
    ]);
    let text = "as 64501 gone m2*3 m3 name=first\nas 64501 m4 name=second";
    let rules = NetworkRules::parse(text).expect("rules");
    let rules: Vec<&TopologyRule> = rules.all().iter().collect();
    let mut question = question("de", "eu");
    question.rules = &rules;
    let table = table(&roster, &question, Scheme::Http);
    let law = Law::default();
    let mut selector = Selector::new(generator(5));
    let mut chosen = |question: &Question<'_>, has: &Has| {
        let found = selector.explain(&law, (&roster, &table), question, has);
        assert!(found.rows_found);
        let shown = |c: &Candidate| (c.mirror, c.tier, (c.probability * 100.0).round());
        found.candidates.iter().map(shown).collect::<Vec<_>>()
    };
    let mut found = chosen(&question, &all());
    found[..2].sort_by_key(|(mirror, ..)| *mirror);
    assert_eq!(found[..2], [(1, Tier::Rule, 75.0), (2, Tier::Rule, 25.0)]);
    assert!(found[2..].iter().all(|(_, tier, _)| *tier == Tier::Country));
    assert_eq!(found.len(), 4, "nobody is named twice");
    // The first rule's mirrors lack the file, then the second's, too.
    let found = chosen(&question, &has(&[true, false, false, true]));
    assert_eq!(found, [(3, Tier::Rule, 100.0), (0, Tier::Country, 0.0)]);
    let found = chosen(&question, &has(&[true, false, false, false]));
    assert_eq!(found, [(0, Tier::Country, 100.0)]);
    // Without a rule for the client, the flag counts again.
    question.rules = &[];
    let found = chosen(&question, &all());
    assert!(
        found
            .iter()
            .all(|(mirror, tier, _)| *mirror != 1 && *tier != Tier::Rule)
    );
}

#[test]
fn weights_of_a_rule_share_its_clients() {
    let far = |id, latitude| {
        let mut mirror = mirror(id, "de", "eu", 100);
        mirror.coordinates = Coordinates::known(latitude, 8.0);
        mirror
    };
    let roster = Roster::new(vec![far(1, 50.0), far(2, 60.0), far(3, 70.0)]);
    let rules = NetworkRules::parse("as 1 m2*10 m3*30").expect("rules");
    let rules: Vec<&TopologyRule> = rules.all().iter().collect();
    let mut question = question("de", "eu");
    question.place.coordinates = Coordinates::known(50.0, 8.0);
    (question.rules, question.want) = (&rules, 1);
    let table = table(&roster, &question, Scheme::Http);
    let mut selector = Selector::new(generator(5));
    let (law, site, all) = (Law::default(), (&roster, &table), all());
    let mut drawn = [0; 3];
    for _ in 0..4000 {
        let found = selector.select(&law, site, &question, &all);
        drawn[found.candidates[0].mirror] += 1;
    }
    assert!(
        drawn[0] == 0 && (900..1100).contains(&drawn[1]),
        "{drawn:?}"
    );
}

/// A mirror that is drained from 10,000 s to 20,000 s, after half an hour.
fn drained(mut mirror: Mirror) -> Mirror {
    mirror.drain = Some(MirrorDrain {
        from: Timestamp(10_000),
        ramp_s: 1800,
        until: Some(Timestamp(20_000)),
        back_at: None,
        reason: String::new(),
    });
    mirror
}

/// The shares of mirrors in many draws, and as `explain` has them.
fn shares(mirrors: Vec<Mirror>, now: i64, coordinates: bool) -> (Vec<f64>, Vec<f64>) {
    const DRAWS: u32 = 10_000;
    let count = mirrors.len();
    let roster = Roster::new(mirrors);
    let mut question = question("de", "eu");
    (question.want, question.drains.now) = (1, Timestamp(now));
    if coordinates {
        question.place.coordinates = Coordinates::known(50.0, 8.0);
    }
    let table = table(&roster, &question, Scheme::Http);
    let mut selector = Selector::new(generator(11));
    let (law, site, all) = (Law::default(), (&roster, &table), all());
    let mut drawn = vec![0.0; count];
    for _ in 0..DRAWS {
        let found = selector.select(&law, site, &question, &all);
        drawn[found.candidates[0].mirror] += 1.0 / f64::from(DRAWS);
    }
    let mut said = vec![0.0; count];
    for candidate in selector.explain(&law, site, &question, &all).candidates {
        said[candidate.mirror] = candidate.probability;
    }
    (drawn, said)
}

/// Cases G11 and G12 of the specification of drains.
#[test]
fn a_drained_mirror_gets_the_part_of_its_share_that_the_clock_leaves() {
    let two = || {
        vec![
            drained(mirror(1, "de", "eu", 100)),
            mirror(2, "de", "eu", 100),
        ]
    };
    for (now, left) in [(8_000, 1.0), (9_100, 0.5), (9_640, 0.2), (10_000, 0.0)] {
        let (drawn, said) = shares(two(), now, false);
        assert!((drawn[0] / 0.5 - left).abs() < 0.03, "{now}: {drawn:?}");
        assert!((said[0] / 0.5 - left).abs() < 0.01, "{now}: {said:?}");
        assert!((said[0] + said[1] - 1.0).abs() < 1e-9, "{now}: {said:?}");
    }
    let near = |id, latitude| {
        let mut mirror = mirror(id, "de", "eu", 100);
        mirror.coordinates = Coordinates::known(latitude, 8.0);
        mirror
    };
    let placed = vec![drained(near(1, 50.0)), near(2, 55.0)];
    let (drawn, said) = shares(placed, 9_100, true);
    assert!((drawn[0] - 0.5).abs() < 0.03, "{drawn:?}");
    assert!((said[0] - 0.5).abs() < 0.01, "{said:?}");
    // All of them nearly gone: as if none were.
    let all_of = vec![
        drained(mirror(1, "de", "eu", 100)),
        drained(mirror(2, "de", "eu", 50)),
    ];
    let (whole, _) = shares(all_of.clone(), 8_000, false);
    let (drawn, said) = shares(all_of, 9_982, false);
    assert!((drawn[0] - whole[0]).abs() < 0.03, "{drawn:?} {whole:?}");
    assert!((said[0] - whole[0]).abs() < 0.03, "{said:?} {whole:?}");
}

/// Case G13 of the specification of drains.
#[test]
fn the_only_mirror_is_drained_unless_the_files_are_nowhere_else() {
    let roster = Roster::new(vec![
        drained(mirror(1, "de", "eu", 100)),
        mirror(2, "de", "eu", 100),
    ]);
    let mut question = question("de", "eu");
    question.drains.now = Timestamp(15_000);
    let table = table(&roster, &question, Scheme::Http);
    let mut selector = Selector::new(generator(1));
    let (law, site) = (Law::default(), (&roster, &table));
    let first = has(&[true, false]);
    let found = selector.explain(&law, site, &question, &first);
    assert!(found.candidates.is_empty() && found.rows_found);
    let reasons = [(0, Reason::Drained), (1, Reason::FileMissing)];
    assert_eq!(found.excluded, reasons);
    question.drains.is_last_resort = true;
    let found = selector.select(&law, site, &question, &first);
    let one = &found.candidates[0];
    assert_eq!((one.mirror, one.later), (0, Some(Reason::Drained)));
    // Another mirror is better, wherever it is.
    let found = selector.select(&law, site, &question, &all());
    let chosen: Vec<usize> = found.candidates.iter().map(|c| c.mirror).collect();
    assert_eq!(chosen, [1]);
    // A list names a mirror in its place until next to nothing is left of its share.
    question.drains.is_drawn = false;
    for (now, expected) in [(9_800, Some(0)), (9_980, Some(1)), (10_000, None)] {
        question.drains.now = Timestamp(now);
        let found = selector.select(&law, site, &question, &all());
        let last = found.candidates.iter().position(|c| c.mirror == 0);
        match expected {
            None => assert_eq!(last, None),
            Some(1) => assert_eq!(last, Some(1), "{now}"),
            Some(_) => assert!(last.is_some(), "{now}"),
        }
    }
}

#[test]
fn every_mirror_that_is_no_candidate_has_its_reason() {
    let changed = |id, change: fn(&mut Mirror)| {
        let mut mirror = mirror(id, "fr", "eu", 100);
        change(&mut mirror);
        mirror
    };
    let mirrors = vec![
        changed(1, |m| m.enabled = false),
        changed(2, |m| {
            m.alive = false;
            m.reach = vec![Reach {
                scheme: Scheme::Http,
                v4: Reachability::Dead,
                v6: Reachability::Dead,
            }];
        }),
        changed(3, |m| m.score = 0),
        changed(4, |m| m.base_url = None),
        changed(5, |_| ()),
        changed(6, |m| m.country_only = true),
        changed(7, |m| m.as_only = true),
        changed(8, |m| m.prefix_only = true),
        changed(9, |m| {
            (m.region, m.region_only) = (RegionCode::parse(b"na"), true)
        }),
        changed(10, |m| m.ipv6_only = true),
        changed(11, |m| m.other_countries = "de".to_owned()),
        mirror(12, "de", "eu", 100),
        changed(13, |m| m.alive = false),
    ];
    let roster = Roster::new(mirrors);
    let question = question("de", "eu");
    let table = table(&roster, &question, Scheme::Http);
    let mut present = [true; 13];
    present[4] = false;
    let has = has(&present);
    let mut selector = Selector::new(generator(1));
    let explained = selector.explain(&Law::default(), (&roster, &table), &question, &has);
    let reasons: Vec<Reason> = explained
        .excluded
        .iter()
        .map(|(_, reason)| *reason)
        .collect();
    let expected = [
        Reason::Disabled,
        Reason::Dead,
        Reason::ScoreZero,
        Reason::NoBaseUrl,
        Reason::FileMissing,
        Reason::CountryOnly,
        Reason::AsOnly,
        Reason::PrefixOnly,
        Reason::RegionOnly,
        Reason::Ipv6Only,
        Reason::OtherCountryUnneeded,
        Reason::NeverProbed,
    ];
    assert_eq!(reasons, expected);
    assert_eq!(explained.candidates.len(), 1);
}

fn any_mirror() -> impl Strategy<Value = Mirror> {
    let country = prop::sample::select(vec!["de", "fr", "us", "**", ""]);
    let region = prop::sample::select(vec!["eu", "na", ""]);
    let flags = prop::collection::vec(any::<bool>(), 6);
    (
        country,
        region,
        1u16..400,
        flags,
        prop::option::of(-50.0..50.0f64),
    )
        .prop_map(|(country, region, score, flags, place)| {
            let mut mirror = mirror(0, country, region, score);
            mirror.country_only = flags[0] && flags[1];
            mirror.region_only = flags[1] && flags[2];
            mirror.enabled = flags[3] || flags[4];
            mirror.file_maxsize = if flags[5] { 500 } else { 0 };
            mirror.coordinates = place.and_then(|at| Coordinates::known(at, at));
            mirror
        })
}

proptest! {
    #[test]
    fn selection_is_a_partition_of_the_mirrors(
        mut mirrors in prop::collection::vec(any_mirror(), 0..40),
        present in prop::collection::vec(any::<bool>(), 40),
        located in any::<bool>(),
        seed in any::<u64>(),
    ) {
        for (id, mirror) in mirrors.iter_mut().enumerate() {
            mirror.id = MirrorId(id as i64 + 1);
        }
        let count = mirrors.len();
        let present = has(&present);
        let roster = Roster::new(mirrors);
        let mut question = question("de", "eu");
        question.place.coordinates = Coordinates::known(10.0, 10.0).filter(|_| located);
        let table = table(&roster, &question, Scheme::Http);
        let mut selector = Selector::new(generator(seed));
        let site = (&roster, &table);
        let all = selector.explain(&Law::default(), site, &question, &present);
        let mut seen: Vec<usize> = all.candidates.iter().map(|c| c.mirror).collect();
        seen.extend(all.excluded.iter().map(|(index, _)| *index));
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..count).collect::<Vec<_>>());
        prop_assert!(all.candidates.is_sorted_by_key(|c| c.tier));
        let sum: f64 = all.candidates.iter().map(|c| c.probability).sum();
        prop_assert!(all.candidates.is_empty() || (sum - 1.0).abs() < 1e-9);
        // The short way finds the same tiers as the long one.
        let few = selector.select(&Law::default(), site, &question, &present);
        let tiers = |chosen: &[Candidate]| chosen.iter().map(|c| c.tier).collect::<Vec<_>>();
        let wanted = all.candidates.len().min(question.want);
        prop_assert_eq!(tiers(&few.candidates), tiers(&all.candidates[..wanted]));
    }
}
