//! `[site.NAME.selection]`: which mirrors get a client.

use std::collections::BTreeMap;

use crate::domain::key::{Bounds, ConfigProblem, section};
use crate::domain::mirror::parse_prefix;
use crate::domain::order::ShortList;
use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::place_override::PlaceOverrides;
use crate::domain::select::{Distance, Law, Weights};

section! {
    /// `[site.NAME.selection]`: which mirrors get a client. The defaults are MirrorBrain's law.
    RawSelection => _ {
        /// How far a mirror is: by `degrees`, as in MirrorBrain, or on a `great-circle`.
        distance: String = "degrees".to_owned(), in Bounds::Words(&["degrees", "great-circle"]);
        /// Weight of a score: `mirrorbrain` (50 beside 100 gets a quarter of the clients) or
        /// `proportional` (a third).
        weights: String = "mirrorbrain".to_owned(),
            in Bounds::Words(&["mirrorbrain", "proportional"]);
        /// Mirrors with coordinates within this many degrees beyond the nearest one share its
        /// clients by score; 0: the nearest gets all clients of a place, as in
        /// MirrorBrain.
        spread_degrees: f64 = 0.0, in Bounds::Number(0.0, 360.0);
        /// Whether mirrors with `other_countries` share clients with a country's own mirrors
        /// instead of only standing in for them.
        share_other_countries: bool = false;
        /// Whether mirrors with `prefix_only` or `as_only` are private: only clients of their own
        /// networks are sent there or see them in lists.
        restricted_are_private: bool = false;
        /// The rank of mirrors whose IPv6 address does not answer, which delays clients that have
        /// IPv6: `last`, behind all others, or `as-any`.
        dead_ipv6: String = "last".to_owned(), in Bounds::Words(&["last", "as-any"]);
        /// Continents of countries, where they are not those of the GeoIP files: `{ il = "eu" }`.
        continents: BTreeMap<String, String> = BTreeMap::new();
        /// Countries of networks, where the GeoIP files are wrong: `{ "192.0.2.0/24" = "de" }`. The
        /// longest prefix counts.
        countries: BTreeMap<String, String> = BTreeMap::new();
    }
}

/// Makes the law; the rows' bounds have refused unknown words.
pub(super) fn law(raw: &RawSelection) -> Result<Law, ConfigProblem> {
    raw.check_bounds()?;
    Ok(Law {
        distance: match raw.distance.as_str() {
            "great-circle" => Distance::GreatCircle,
            _ => Distance::Degrees,
        },
        weights: match raw.weights.as_str() {
            "proportional" => Weights::Proportional,
            _ => Weights::MirrorBrain,
        },
        spread: (raw.spread_degrees * 1000.0) as u32,
        share_other_countries: raw.share_other_countries,
        restricted_are_private: raw.restricted_are_private,
        dead_ipv6_as_any: raw.dead_ipv6 == "as-any",
    })
}

/// Checks the facts that the admin knows better than the GeoIP files.
pub(super) fn place_overrides(raw: &RawSelection) -> Result<PlaceOverrides, ConfigProblem> {
    let wrong = |section: &str, text: &str, form: &str| {
        let why = format!("'{text}' cannot be used");
        ConfigProblem::unusable(why, form)
            .below(section)
            .below("selection")
    };
    let mut overrides = PlaceOverrides::default();
    for (country, region) in &raw.continents {
        let pair = CountryCode::parse(country.as_bytes()).zip(RegionCode::parse(region.as_bytes()));
        let form = "write it as il = \"eu\"";
        let pair = pair.ok_or_else(|| wrong("continents", country, form))?;
        overrides.continents.push(pair);
    }
    for (network, country) in &raw.countries {
        let pair = parse_prefix(network).zip(CountryCode::parse(country.as_bytes()));
        let form = "write it as \"192.0.2.0/24\" = \"de\"";
        let pair = pair.ok_or_else(|| wrong("countries", network, form))?;
        overrides.countries.push(pair);
    }
    overrides
        .countries
        .order_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
    Ok(overrides)
}
