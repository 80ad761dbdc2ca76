//! Leaves mirrors out of lists that a client works through without us, such as metalinks: they name
//! fewer mirrors than a redirect may choose (behaviour §2.6).

use super::choose::Tier;
use super::reason::Reason;
use crate::domain::mirror::Mirror;

/// Reason for which a metalink leaves out a candidate in that tier: the mirror is restricted to
/// other clients, and is a candidate only as a reserve (its file_maxsize is too small) or because
/// it counts for the country whatever its flags (`**`, other_countries).
pub fn unlisted(tier: Tier, mirror: &Mirror) -> Option<Reason> {
    let flags = [
        (mirror.prefix_only, Tier::As, Reason::PrefixOnly),
        (mirror.as_only, Tier::Country, Reason::AsOnly),
        (mirror.country_only, Tier::Region, Reason::CountryOnly),
        (mirror.region_only, Tier::Elsewhere, Reason::RegionOnly),
    ];
    let bars = |(is_set, from, _): &(bool, Tier, Reason)| *is_set && tier >= *from;
    flags.into_iter().find(bars).map(|(_, _, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tier_tests_one_more_flag() {
        type Set = fn(&mut Mirror);
        let table: [(Set, usize, Reason); 4] = [
            (|m| m.prefix_only = true, 2, Reason::PrefixOnly),
            (|m| m.as_only = true, 3, Reason::AsOnly),
            (|m| m.country_only = true, 4, Reason::CountryOnly),
            (|m| m.region_only = true, 5, Reason::RegionOnly),
        ];
        for (set, first, reason) in table {
            let mut mirror = Mirror::new("m");
            set(&mut mirror);
            for (place, tier) in Tier::ALL.into_iter().enumerate() {
                let expected = (place >= first).then_some(reason);
                assert_eq!(unlisted(tier, &mirror), expected, "{tier:?} {reason:?}");
            }
        }
    }
}
