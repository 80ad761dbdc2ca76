//! Sorts mirrors into classes for clients in one place (behaviour §2.3).

use std::collections::HashMap;
use std::net::IpAddr;

use super::access::{Access, AccessRank, TURNS};
use super::law::Law;
use super::reason::Reason;
use super::set::MirrorSet;
use crate::domain::mirror::{Mirror, MirrorCountry, MirrorKind};
use crate::domain::place::{Asn, Coordinates, Place};
use crate::domain::url::Scheme;

/// Class of a mirror for a place, regardless of the client's address and the file's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The place and the mirror are in the same autonomous system.
    As,
    /// The mirror is in the same country, or everywhere.
    Country,
    /// The mirror is in another country, but also serves this one.
    OtherCountry,
    /// The mirror is on the same continent.
    Region,
    /// The mirror is elsewhere.
    Elsewhere,
}

const CLASSES: usize = 5;

/// Classifies one usable mirror; the first test that fits wins. Prefix and size precede these
/// tests, but depend on the request.
///
/// # Errors
/// Returns the [`Reason`] if the mirror serves no client in that place.
pub fn classify(mirror: &Mirror, place: &Place) -> Result<Class, Reason> {
    if !mirror.serves(place.country) {
        return Err(Reason::CountryBarred);
    }
    if place.asn.is_some_and(|asn| mirror.asns.contains(&asn)) && !mirror.prefix_only {
        return Ok(Class::As);
    }
    let same_country = match mirror.country {
        MirrorCountry::Of(country) => place.country == Some(country),
        MirrorCountry::Unknown | MirrorCountry::Everywhere => false,
    };
    if same_country && !mirror.as_only && !mirror.prefix_only {
        return Ok(Class::Country);
    }
    if mirror.country == MirrorCountry::Everywhere {
        return Ok(Class::Country);
    }
    // A substring search, as in MirrorBrain: "ca,us" and "CA US" both name two countries.
    if place
        .country
        .is_some_and(|country| mirror.other_countries.contains(country.as_str()))
    {
        return Ok(Class::OtherCountry);
    }
    if mirror.prefix_only {
        return Err(Reason::PrefixOnly);
    }
    if mirror.as_only {
        return Err(Reason::AsOnly);
    }
    if mirror.country_only {
        return Err(Reason::CountryOnly);
    }
    if place.region.is_some() && mirror.region == place.region {
        return Ok(Class::Region);
    }
    if mirror.region_only {
        Err(Reason::RegionOnly)
    } else {
        Ok(Class::Elsewhere)
    }
}

/// The values that order a mirror within its class. They lie side by side because every request
/// reads many of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct MirrorStanding {
    pub(super) score: u16,
    pub(super) coordinates: Option<Coordinates>,
}

/// All mirrors of a site, sorted by number, and the sets that do not depend on the request.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    mirrors: Vec<Mirror>,
    standings: Vec<MirrorStanding>,
    usable: MirrorSet,
    unusable: Vec<(usize, Reason)>,
    caches: MirrorSet,
    all_caches: Vec<usize>,
    with_prefix: Vec<usize>,
    with_maxsize: Vec<usize>,
    /// Indexes of all mirrors, usable or not, that a law may treat as private.
    restricted: Vec<usize>,
    /// Indexes of usable mirrors by their identifiers.
    names: HashMap<String, usize>,
    /// Usable mirrors with a plan for a drain.
    drained: Vec<usize>,
}

impl Roster {
    /// Sorts mirrors into usable and unusable ones.
    pub fn new(mut mirrors: Vec<Mirror>) -> Roster {
        mirrors.sort_by_key(|mirror| mirror.id);
        let mut roster = Roster::default();
        for (index, mirror) in mirrors.iter().enumerate() {
            if mirror.private || mirror.prefix_only || mirror.as_only {
                roster.restricted.push(index);
            }
            if mirror.kind == MirrorKind::Cache {
                roster.all_caches.push(index);
            }
            if let Some(reason) = unusable(mirror) {
                roster.unusable.push((index, reason));
                continue;
            }
            roster.usable.insert(index);
            roster.names.insert(mirror.identifier.clone(), index);
            if mirror.drain.is_some() {
                roster.drained.push(index);
            }
            if mirror.kind == MirrorKind::Cache {
                roster.caches.insert(index);
            }
            if !mirror.prefixes.is_empty() {
                roster.with_prefix.push(index);
            }
            // A cache with a limit is refused for larger files; a mirror with a limit stays as a
            // reserve.
            if mirror.file_maxsize > 0 && mirror.kind == MirrorKind::Mirror {
                roster.with_maxsize.push(index);
            }
        }
        let standing = |mirror: &Mirror| MirrorStanding {
            score: mirror.score,
            coordinates: mirror.coordinates,
        };
        roster.standings = mirrors.iter().map(standing).collect();
        roster.mirrors = mirrors;
        roster
    }

    /// The mirrors; all indexes in this module refer to this slice.
    pub fn mirrors(&self) -> &[Mirror] {
        &self.mirrors
    }

    pub(super) fn standing(&self, mirror: usize) -> MirrorStanding {
        self.standings[mirror]
    }

    /// The mirrors that can be chosen.
    pub fn usable(&self) -> &MirrorSet {
        &self.usable
    }

    /// The other mirrors, with the reason.
    pub fn unusable(&self) -> &[(usize, Reason)] {
        &self.unusable
    }

    /// The index of a usable mirror.
    pub(super) fn index_of(&self, identifier: &str) -> Option<usize> {
        self.names.get(identifier).copied()
    }

    /// The usable mirrors with a plan for a drain.
    pub(super) fn drained(&self) -> &[usize] {
        &self.drained
    }

    /// The usable pull-through caches, which have every file.
    pub fn caches(&self) -> &MirrorSet {
        &self.caches
    }

    /// All pull-through caches. One that cannot be chosen may still request files.
    pub fn all_caches(&self) -> impl Iterator<Item = &Mirror> {
        self.all_caches.iter().map(|index| &self.mirrors[*index])
    }

    /// Counts the usable mirrors to which https clients can be sent.
    pub fn https(&self) -> HttpsCount {
        let access = Access::of(Scheme::Https, None);
        let takes = |index: &usize| access.route(&self.mirrors[*index]).is_ok();
        HttpsCount {
            with: self.usable.iter().filter(takes).count(),
            of: self.usable.iter().count(),
        }
    }

    /// Usable mirrors with a prefix that contains the address.
    pub(super) fn near(&self, ip: Option<IpAddr>) -> MirrorSet {
        let Some(ip) = ip else {
            return MirrorSet::default();
        };
        let has = |index: &usize| self.mirrors[*index].prefix_of(ip).is_some();
        self.with_prefix.iter().copied().filter(has).collect()
    }

    /// Private mirrors, usable or not, that the client must not learn about. `asn` is the AS of its
    /// address, not the one that it states.
    pub fn hidden_from(&self, law: &Law, ip: Option<IpAddr>, asn: Option<Asn>) -> MirrorSet {
        let is_hidden = |index: &usize| {
            let mirror = &self.mirrors[*index];
            law.is_private(mirror) && !mirror.is_of(ip, asn)
        };
        self.restricted.iter().copied().filter(is_hidden).collect()
    }

    /// Usable mirrors that cannot deliver a file of that size.
    pub(super) fn too_small_for(&self, size: u64) -> MirrorSet {
        let is_too_small = |index: &usize| self.mirrors[*index].file_maxsize < size;
        self.with_maxsize
            .iter()
            .copied()
            .filter(is_too_small)
            .collect()
    }

    /// Sorts the usable mirrors into classes for a place and an access, which is the same for all
    /// such clients and for all files.
    pub fn classes(&self, place: &Place, access: Access) -> ClassTable {
        let mut table = ClassTable::default();
        for index in self.usable.iter() {
            let mirror = &self.mirrors[index];
            let route = match access.route(mirror) {
                Ok(route) => route,
                Err(barrier) => {
                    table.barred.push((index, barrier));
                    continue;
                }
            };
            let later = match route.turn.is_substitute {
                true => &mut table.substitutes,
                false => &mut table.last,
            };
            later.extend(route.why.map(|why| (index, why)));
            let group = &mut table.groups[route.turn.index()];
            group.turn = route.turn;
            group.reachable.insert(index);
            match classify(mirror, place) {
                Ok(class) => group.members[class as usize].insert(index),
                Err(reason) => {
                    if reason == Reason::CountryBarred {
                        group.barred.insert(index);
                    }
                    table.dropped.push((index, reason));
                }
            }
        }
        table
    }
}

/// Number of mirrors to which https clients can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HttpsCount {
    /// Mirrors with an https URL that is not down.
    pub with: usize,
    /// All usable mirrors.
    pub of: usize,
}

impl HttpsCount {
    /// One line for people.
    pub fn text(self) -> String {
        let HttpsCount { with, of } = self;
        let hint = if with < of {
            "; `heliostat update --https --all-mirrors` looks for more"
        } else {
            ""
        };
        format!("https clients can be sent to {with} of {of} mirrors{hint}")
    }
}

fn unusable(mirror: &Mirror) -> Option<Reason> {
    if !mirror.enabled {
        Some(Reason::Disabled)
    } else if !mirror.alive {
        Some(match mirror.reach.is_empty() {
            true => Reason::NeverProbed,
            false => Reason::Dead,
        })
    } else if mirror.score == 0 {
        Some(Reason::ScoreZero)
    } else if mirror.base_url.is_none() {
        Some(Reason::NoBaseUrl)
    } else {
        None
    }
}

/// The usable mirrors of one turn, in classes.
#[derive(Debug, Clone, Default)]
pub struct Group {
    members: [MirrorSet; CLASSES],
    reachable: MirrorSet,
    barred: MirrorSet,
    turn: AccessRank,
}

impl Group {
    /// The mirrors of a class.
    pub fn members(&self, class: Class) -> &MirrorSet {
        &self.members[class as usize]
    }

    /// Usable mirrors that such a client can reach.
    pub(super) fn reachable(&self) -> &MirrorSet {
        &self.reachable
    }

    /// Those that do not serve the place's country, except clients of their own prefixes.
    pub(super) fn barred(&self) -> &MirrorSet {
        &self.barred
    }

    /// The turn in which these mirrors are considered.
    pub(super) fn turn(&self) -> AccessRank {
        self.turn
    }
}

/// The usable mirrors of a site in classes, for one place and one access.
#[derive(Debug, Clone, Default)]
pub struct ClassTable {
    groups: [Group; TURNS],
    barred: Vec<(usize, Reason)>,
    dropped: Vec<(usize, Reason)>,
    substitutes: Vec<(usize, Reason)>,
    last: Vec<(usize, Reason)>,
}

impl ClassTable {
    /// The groups that have any mirror, in the order of turns.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        let groups = self.groups.iter();
        groups.filter(|group| !group.reachable.is_empty())
    }

    /// Reason for which a mirror that has the file is in no class, cannot be reached, or was not
    /// needed.
    pub(super) fn reason(&self, index: usize) -> Option<Reason> {
        let dropped = self.barred.iter().chain(&self.dropped);
        reason_of(dropped.chain(&self.substitutes), index)
    }

    /// Reason for which a mirror is considered later than in the first turn.
    pub(super) fn later(&self, index: usize) -> Option<Reason> {
        reason_of(self.last.iter().chain(&self.substitutes), index)
    }
}

fn reason_of<'r>(
    mut reasons: impl Iterator<Item = &'r (usize, Reason)>,
    index: usize,
) -> Option<Reason> {
    let found = reasons.find(|(other, _)| *other == index);
    found.map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::{CountryCode, RegionCode};

    fn place() -> Place {
        Place {
            country: CountryCode::parse(b"de"),
            region: RegionCode::parse(b"eu"),
            coordinates: None,
            asn: Asn::new(64500),
        }
    }

    fn mirror(country: &str, region: &str, change: impl FnOnce(&mut Mirror)) -> Mirror {
        let mut mirror = Mirror::new("m");
        mirror.country = match country {
            "**" => MirrorCountry::Everywhere,
            code => CountryCode::parse(code.as_bytes())
                .map_or(MirrorCountry::Unknown, MirrorCountry::Of),
        };
        mirror.region = RegionCode::parse(region.as_bytes());
        change(&mut mirror);
        mirror
    }

    #[test]
    fn the_first_row_that_fits_wins() {
        let asn = |m: &mut Mirror| m.asns = vec![Asn::new(64500).expect("not 0")];
        let cases: Vec<(Mirror, Result<Class, Reason>)> = vec![
            (mirror("us", "na", asn), Ok(Class::As)),
            (
                mirror("us", "na", |m| (asn(m), m.as_only = true).1),
                Ok(Class::As),
            ),
            (
                mirror("de", "eu", |m| (asn(m), m.prefix_only = true).1),
                Err(Reason::PrefixOnly),
            ),
            (mirror("de", "eu", |_| ()), Ok(Class::Country)),
            (
                mirror("de", "eu", |m| m.country_only = true),
                Ok(Class::Country),
            ),
            (
                mirror("de", "eu", |m| m.as_only = true),
                Err(Reason::AsOnly),
            ),
            (
                mirror("**", "**", |m| m.prefix_only = true),
                Ok(Class::Country),
            ),
            (
                mirror("fr", "eu", |m| m.other_countries = "be, de".into()),
                Ok(Class::OtherCountry),
            ),
            (
                mirror("fr", "eu", |m| {
                    m.other_countries = "de".into();
                    m.country_only = true;
                }),
                Ok(Class::OtherCountry),
            ),
            (mirror("fr", "eu", |_| ()), Ok(Class::Region)),
            (
                mirror("fr", "eu", |m| m.region_only = true),
                Ok(Class::Region),
            ),
            (
                mirror("fr", "eu", |m| m.country_only = true),
                Err(Reason::CountryOnly),
            ),
            (mirror("us", "na", |_| ()), Ok(Class::Elsewhere)),
            (
                mirror("us", "na", |m| m.region_only = true),
                Err(Reason::RegionOnly),
            ),
            (mirror("", "", |_| ()), Ok(Class::Elsewhere)),
        ];
        for (mirror, expected) in cases {
            assert_eq!(classify(&mirror, &place()), expected, "{mirror:?}");
        }
        let unknown = Place::default();
        assert_eq!(
            classify(&mirror("", "", |_| ()), &unknown),
            Ok(Class::Elsewhere)
        );
        assert_eq!(
            classify(&mirror("**", "", |_| ()), &unknown),
            Ok(Class::Country)
        );
    }

    #[test]
    fn a_mirror_serves_the_countries_that_it_names_and_none_that_it_refuses() {
        let be = || CountryCode::parse(b"be").into_iter().collect::<Vec<_>>();
        let de = || CountryCode::parse(b"de").into_iter().collect::<Vec<_>>();
        for (only, not, expected) in [
            (de(), vec![], Ok(Class::Country)),
            (be(), vec![], Err(Reason::CountryBarred)),
            (vec![], be(), Ok(Class::Country)),
            (vec![], de(), Err(Reason::CountryBarred)),
            (de(), de(), Err(Reason::CountryBarred)),
        ] {
            let mirror = mirror("de", "eu", |m| {
                (m.only_countries, m.not_countries) = (only, not)
            });
            assert_eq!(classify(&mirror, &place()), expected, "{mirror:?}");
        }
        let unknown = Place::default();
        let only = mirror("de", "eu", |m| m.only_countries = de());
        assert_eq!(classify(&only, &unknown), Err(Reason::CountryBarred));
        let not = mirror("de", "eu", |m| m.not_countries = de());
        assert_eq!(classify(&not, &unknown), Ok(Class::Elsewhere));
    }
}
