//! Which class a mirror is in for clients of a place (spec §2.3).

use std::net::IpAddr;

use super::law::Law;
use super::reason::Reason;
use super::set::MirrorSet;
use crate::domain::health::Family;
use crate::domain::mirror::{Kind, Mirror, MirrorCountry, Scheme};
use crate::domain::place::{Asn, Coordinates, Place};

/// Class of a mirror for a place, before the client's address and the file's size are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Same autonomous system.
    As,
    /// Same country, or everywhere.
    Country,
    /// Serves the client's country beside its own.
    OtherCountry,
    /// Same continent.
    Region,
    /// The rest of the world.
    Elsewhere,
}

const CLASSES: usize = 5;

/// Classifies one usable mirror; the first row that fits wins. The prefix and the size, which
/// come before, are the request's.
///
/// # Errors
/// Why the mirror serves nobody of that place.
pub fn classify(mirror: &Mirror, place: &Place) -> Result<Class, Reason> {
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
    // A substring, as MirrorBrain has it: "ca,us" and "CA US" both mean two countries.
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

/// How a client reaches mirrors: what bars it from some of them whatever their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// The scheme of its request; an https client is never sent to another scheme.
    pub scheme: Scheme,
    /// The family of its address, where that is known. Nothing is known of its other address, if
    /// it has one: what answers over the other family alone may be out of its reach.
    pub family: Option<Family>,
}

impl Access {
    /// Why such a client cannot be sent to a mirror.
    pub fn barrier(self, mirror: &Mirror) -> Option<Reason> {
        let Some(url) = mirror.base_url_for(self.scheme) else {
            return Some(Reason::NoHttps);
        };
        if mirror.ipv6_only && self.family == Some(Family::V4) {
            return Some(Reason::Ipv6Only);
        }
        let reach = mirror.reach_of(url.scheme())?;
        match (reach.v4, reach.v6, self.family) {
            (false, false, _) => Some(Reason::UrlDown),
            (false, true, Some(Family::V4)) => Some(Reason::Ipv6Only),
            (true, false, Some(Family::V6)) => Some(Reason::Ipv4Only),
            _ => None,
        }
    }
}

/// What orders a mirror within its class; side by side, because every request reads many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) score: u16,
    pub(super) coordinates: Option<Coordinates>,
}

/// All mirrors of a site, sorted by number, with what can be known before any request.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    mirrors: Vec<Mirror>,
    standings: Vec<Standing>,
    usable: MirrorSet,
    unusable: Vec<(usize, Reason)>,
    caches: MirrorSet,
    with_prefix: Vec<usize>,
    with_maxsize: Vec<usize>,
    /// Mirrors, usable or not, that a law may take for private.
    with_secret: Vec<usize>,
}

impl Roster {
    /// Sorts mirrors into usable and unusable ones.
    pub fn new(mut mirrors: Vec<Mirror>) -> Roster {
        mirrors.sort_by_key(|mirror| mirror.id);
        let mut roster = Roster::default();
        for (index, mirror) in mirrors.iter().enumerate() {
            if mirror.private || mirror.prefix_only || mirror.as_only {
                roster.with_secret.push(index);
            }
            if let Some(reason) = unusable(mirror) {
                roster.unusable.push((index, reason));
                continue;
            }
            roster.usable.insert(index);
            if mirror.kind == Kind::Cache {
                roster.caches.insert(index);
            }
            if !mirror.prefixes.is_empty() {
                roster.with_prefix.push(index);
            }
            if mirror.file_maxsize > 0 {
                roster.with_maxsize.push(index);
            }
        }
        let standing = |mirror: &Mirror| Standing {
            score: mirror.score,
            coordinates: mirror.coordinates,
        };
        roster.standings = mirrors.iter().map(standing).collect();
        roster.mirrors = mirrors;
        roster
    }

    /// The mirrors; an index into them is what the rest of this module speaks of.
    pub fn mirrors(&self) -> &[Mirror] {
        &self.mirrors
    }

    pub(super) fn standing(&self, mirror: usize) -> Standing {
        self.standings[mirror]
    }

    /// Mirrors that may be chosen at all.
    pub fn usable(&self) -> &MirrorSet {
        &self.usable
    }

    /// The others, with why.
    pub fn unusable(&self) -> &[(usize, Reason)] {
        &self.unusable
    }

    /// Usable pull-through caches: they have everything.
    pub(super) fn caches(&self) -> &MirrorSet {
        &self.caches
    }

    /// Usable mirrors one of whose prefixes has the address.
    pub(super) fn near(&self, ip: Option<IpAddr>) -> MirrorSet {
        let Some(ip) = ip else {
            return MirrorSet::default();
        };
        let has = |index: &usize| self.mirrors[*index].prefix_of(ip).is_some();
        self.with_prefix.iter().copied().filter(has).collect()
    }

    /// Private mirrors, usable or not, of which a client hears nothing. `asn` is where the client
    /// is, not where it says that it is.
    pub fn hidden_from(&self, law: &Law, ip: Option<IpAddr>, asn: Option<Asn>) -> MirrorSet {
        let is_hidden = |index: &usize| {
            let mirror = &self.mirrors[*index];
            law.is_private(mirror) && !mirror.is_of(ip, asn)
        };
        self.with_secret.iter().copied().filter(is_hidden).collect()
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

    /// Sorts the usable mirrors into classes for a place and a way of access; the same for all
    /// such clients and for all files.
    pub fn classes(&self, place: &Place, access: Access) -> ClassTable {
        let mut table = ClassTable::default();
        for index in self.usable.iter() {
            let mirror = &self.mirrors[index];
            if let Some(barrier) = access.barrier(mirror) {
                table.barred.push((index, barrier));
                continue;
            }
            table.reachable.insert(index);
            match classify(mirror, place) {
                Ok(class) => table.members[class as usize].insert(index),
                Err(reason) => table.dropped.push((index, reason)),
            }
        }
        table
    }
}

fn unusable(mirror: &Mirror) -> Option<Reason> {
    if !mirror.enabled {
        Some(Reason::Disabled)
    } else if !mirror.alive {
        Some(Reason::Dead)
    } else if mirror.score == 0 {
        Some(Reason::ScoreZero)
    } else if mirror.base_url.is_none() {
        Some(Reason::NoBaseUrl)
    } else {
        None
    }
}

/// The usable mirrors of a site in classes, for one place and one way of access.
#[derive(Debug, Clone, Default)]
pub struct ClassTable {
    members: [MirrorSet; CLASSES],
    reachable: MirrorSet,
    barred: Vec<(usize, Reason)>,
    dropped: Vec<(usize, Reason)>,
}

impl ClassTable {
    /// The mirrors of a class.
    pub fn members(&self, class: Class) -> &MirrorSet {
        &self.members[class as usize]
    }

    /// Usable mirrors that such a client can reach.
    pub(super) fn reachable(&self) -> &MirrorSet {
        &self.reachable
    }

    /// Why a mirror that has the file is in no class, or cannot be reached.
    pub(super) fn reason(&self, index: usize) -> Option<Reason> {
        let mut all = self.barred.iter().chain(&self.dropped);
        all.find(|(other, _)| *other == index)
            .map(|(_, reason)| *reason)
    }
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
    fn nobody_is_sent_where_he_cannot_go() {
        use crate::domain::health::Reach;
        use crate::domain::mirror::BaseUrl;
        let url = |text| BaseUrl::parse(text).expect("a URL of the test");
        let with = |reach: &[(Scheme, bool, bool)]| {
            mirror("de", "eu", |m| {
                m.base_url = Some(url("http://m/"));
                m.further_base_urls = vec![url("https://m/")];
                let found = reach
                    .iter()
                    .map(|&(scheme, v4, v6)| Reach { scheme, v4, v6 });
                m.reach = found.collect();
            })
        };
        let (http, https) = (Scheme::Http, Scheme::Https);
        let (v4, v6) = (Some(Family::V4), Some(Family::V6));
        for (reach, scheme, family, expected) in [
            (&[][..], http, v4, None),
            (&[(http, true, true)], https, v6, None),
            (&[(http, true, false)], http, v4, None),
            (&[(http, true, false)], http, v6, Some(Reason::Ipv4Only)),
            (&[(http, true, false)], http, None, None),
            (&[(http, false, true)], http, v4, Some(Reason::Ipv6Only)),
            (&[(http, false, true)], http, v6, None),
            (&[(http, false, true)], https, v4, None),
            (
                &[(http, true, true), (https, false, false)],
                https,
                v4,
                Some(Reason::UrlDown),
            ),
            (&[(http, true, true), (https, false, false)], http, v4, None),
            (&[(http, false, false)], http, None, Some(Reason::UrlDown)),
        ] {
            let found = Access { scheme, family }.barrier(&with(reach));
            assert_eq!(found, expected, "{reach:?} {scheme:?} {family:?}");
        }
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
}
