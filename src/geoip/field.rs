//! The fields of a record that contain each fact: their names in every layout, the most precise
//! first.
//!
//! For each fact, the first field counts whose value is usable. A field of an unexpected type
//! counts as absent: IPinfo Lite's `country` is a name, and its `country_code` is the code.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{Error, Visitor};

use super::continent::{continent_of, is_continent};
use crate::domain::place::{Asn, Coordinates, CountryCode, Place, RegionCode};

/// MaxMind and DB-IP: `country.iso_code`; flat layouts and IPinfo Lite: `country_code`; IPinfo:
/// `country`, `geo.country_code`. The registered country is that of the network's owner.
const COUNTRY: [&str; 14] = [
    "country.iso_code",
    "country_code",
    "country_iso_code",
    "country_iso",
    "countryCode",
    "country.code",
    "country.country_code",
    "country",
    "geo.country_code",
    "geo.country",
    "location.country_code",
    "location.country",
    "registered_country.iso_code",
    "registered_country",
];

const REGION: [&str; 8] = [
    "continent.code",
    "continent_code",
    "continentCode",
    "continent",
    "geo.continent_code",
    "geo.continent",
    "location.continent_code",
    "location.continent",
];

/// Latitude and longitude. If there is one name only, its text has both: `52.5,13.4`.
const COORDINATES: [(&str, &str); 14] = [
    ("location.latitude", "location.longitude"),
    ("latitude", "longitude"),
    ("lat", "lng"),
    ("lat", "lon"),
    ("lat", "long"),
    ("geo.latitude", "geo.longitude"),
    ("geo.lat", "geo.lng"),
    ("geo.lat", "geo.lon"),
    ("location.lat", "location.lng"),
    ("location.lat", "location.lon"),
    ("coordinates.latitude", "coordinates.longitude"),
    ("loc", ""),
    ("geo.loc", ""),
    ("location", ""),
];

/// Geo Open has the AS beside the country; IPinfo has a map for it.
const ASN: [&str; 14] = [
    "autonomous_system_number",
    "asn",
    "as_number",
    "as.asn",
    "as.number",
    "as.autonomous_system_number",
    "asn.asn",
    "asn.number",
    "asn.autonomous_system_number",
    "traits.autonomous_system_number",
    "country.AutonomousSystemNumber",
    "AutonomousSystemNumber",
    "as_asn",
    "as",
];

/// Largest number of fields that are kept per record; a record with more of these names repeats
/// them.
const FIELDS_MAX: usize = 64;

/// A fact about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceFact {
    /// Country.
    Country,
    /// Continent.
    Continent,
    /// Coordinates.
    Coordinates,
    /// Autonomous system.
    As,
}

impl PlaceFact {
    /// Every fact.
    pub const ALL: [PlaceFact; 4] = [
        PlaceFact::Country,
        PlaceFact::Continent,
        PlaceFact::Coordinates,
        PlaceFact::As,
    ];

    /// Stable word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            PlaceFact::Country => "country",
            PlaceFact::Continent => "continent",
            PlaceFact::Coordinates => "coordinates",
            PlaceFact::As => "asn",
        }
    }

    /// The value of this fact in a place; empty if it is unknown.
    pub fn value(self, place: &Place) -> String {
        let value = match self {
            PlaceFact::Country => place.country.map(|code| code.to_string()),
            PlaceFact::Continent => place.region.map(|code| code.to_string()),
            PlaceFact::Coordinates => {
                let at = place.coordinates;
                at.map(|at| format!("{},{}", at.latitude, at.longitude))
            }
            PlaceFact::As => place.asn.map(|asn| asn.to_string()),
        };
        value.unwrap_or_default()
    }

    /// Name of the field with this index among the candidates for the fact.
    pub(super) fn field(self, index: u8) -> &'static str {
        let index = usize::from(index);
        let name = match self {
            PlaceFact::Country => COUNTRY.get(index),
            // After the fields of continents come those of countries, which imply a continent.
            PlaceFact::Continent => REGION
                .get(index)
                .or_else(|| COUNTRY.get(index.saturating_sub(REGION.len()))),
            PlaceFact::Coordinates => COORDINATES.get(index).map(|(latitude, _)| latitude),
            PlaceFact::As => ASN.get(index),
        };
        name.copied().unwrap_or_default()
    }
}

/// The facts in one record, and for each fact the index of its field.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct RecordFacts {
    pub place: Place,
    pub fields: [u8; 4],
}

impl RecordFacts {
    /// The fields of a table of networks, which tells the AS alone, as `asn`.
    pub const OF_NETWORKS: [u8; 4] = [0, 0, 0, 1];

    /// Whether the record has any fact.
    pub fn has_any(&self) -> bool {
        self.place != Place::default()
    }
}

/// The fields of a record that may contain a fact.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    fields: Vec<(&'static str, Scalar<'a>)>,
    /// Reason for which the rest of the record cannot be read.
    pub damage: Option<String>,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scalar<'a> {
    Text(&'a [u8]),
    Number(f64),
}

impl Scalar<'_> {
    fn text(&self) -> Option<&str> {
        match self {
            Scalar::Text(bytes) => std::str::from_utf8(bytes).ok().map(str::trim),
            Scalar::Number(_) => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Scalar::Text(_) => self.text()?.parse().ok(),
            Scalar::Number(number) => Some(*number),
        }
    }

    fn country(&self) -> Option<CountryCode> {
        let code = CountryCode::parse(self.text()?.as_bytes())?;
        // Registries write ZZ for an unknown country.
        (code.as_str() != "zz").then_some(code)
    }

    fn region(&self) -> Option<RegionCode> {
        RegionCode::parse(self.text()?.as_bytes()).filter(|code| is_continent(*code))
    }

    /// Reads a number, `AS64500`, or `AS64500 Example Networks`.
    fn asn(&self) -> Option<Asn> {
        match self {
            Scalar::Text(_) => self.text()?.split_whitespace().next()?.parse().ok(),
            Scalar::Number(number) => {
                let whole = number.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(number);
                whole.then(|| Asn::new(*number as u32)).flatten()
            }
        }
    }
}

/// Coordinates, if both numbers are in range.
fn coordinates(latitude: Option<f64>, longitude: Option<f64>) -> Option<Coordinates> {
    let (latitude, longitude) = latitude.zip(longitude)?;
    let is_there = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    Coordinates::known(latitude, longitude).filter(|_| is_there)
}

impl<'a> Record<'a> {
    /// The facts in the record; each is read independently.
    pub fn facts(&self) -> RecordFacts {
        let country = self.first(&COUNTRY, Scalar::country);
        let region = self.first(&REGION, Scalar::region).or_else(|| {
            let (country, index) = country?;
            Some((continent_of(country)?, index + REGION.len() as u8))
        });
        let at = COORDINATES.iter().enumerate().find_map(|(index, names)| {
            Some((self.coordinates(*names)?, u8::try_from(index).ok()?))
        });
        let asn = self.first(&ASN, Scalar::asn);
        let index_of = |index: Option<u8>| index.unwrap_or_default();
        RecordFacts {
            place: Place {
                country: country.map(|(code, _)| code),
                region: region.map(|(code, _)| code),
                coordinates: at.map(|(at, _)| at),
                asn: asn.map(|(asn, _)| asn),
            },
            fields: [
                index_of(country.map(|(_, index)| index)),
                index_of(region.map(|(_, index)| index)),
                index_of(at.map(|(_, index)| index)),
                index_of(asn.map(|(_, index)| index)),
            ],
        }
    }

    fn first<T>(
        &self,
        candidates: &[&'static str],
        read: impl Fn(&Scalar<'a>) -> Option<T>,
    ) -> Option<(T, u8)> {
        let mut candidates = candidates.iter().enumerate();
        candidates.find_map(|(index, name)| {
            let value = self.values(name).find_map(&read)?;
            Some((value, u8::try_from(index).ok()?))
        })
    }

    fn values(&self, name: &'static str) -> impl Iterator<Item = &Scalar<'a>> {
        let fields = self.fields.iter();
        fields
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn coordinates(&self, names: (&'static str, &'static str)) -> Option<Coordinates> {
        let (latitude, longitude) = names;
        if longitude.is_empty() {
            return self.values(latitude).find_map(|value| {
                let (latitude, longitude) = value.text()?.split_once(',')?;
                let degrees = |text: &str| text.trim().parse().ok();
                coordinates(degrees(latitude), degrees(longitude))
            });
        }
        let degrees = |name| self.values(name).find_map(Scalar::number);
        coordinates(degrees(latitude), degrees(longitude))
    }
}

/// The names of all candidates.
fn names() -> impl Iterator<Item = &'static str> {
    let coordinates = COORDINATES.iter().flat_map(|(a, b)| [*a, *b]);
    let codes = COUNTRY.iter().chain(&REGION).chain(&ASN).copied();
    codes.chain(coordinates).filter(|name| !name.is_empty())
}

/// The candidate of that name; `inner` is empty for a value that is not in a map.
fn name_of(outer: &[u8], inner: &[u8]) -> Option<&'static str> {
    names().find(|name| {
        let (first, second) = name.split_once('.').unwrap_or((name, ""));
        first.as_bytes() == outer && second.as_bytes() == inner
    })
}

/// Whether a field can be a candidate, or a map that contains candidates.
fn is_candidate(outer: &[u8]) -> bool {
    names().any(|name| {
        let first = name.split_once('.').map_or(name, |(first, _)| first);
        first.as_bytes() == outer
    })
}

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Record<'de>, D::Error> {
        let mut record = Record::default();
        let level = RecordLevel {
            record: &mut record,
            path: Path::Record,
        };
        level.deserialize(deserializer)?;
        Ok(record)
    }
}

/// Position in a record.
#[derive(Debug, Clone, Copy)]
enum Path<'de> {
    Record,
    /// The value of a field.
    Field(&'de [u8]),
    /// The value of a field in a map that is itself the value of a field.
    Inner(&'de [u8], &'de [u8]),
}

/// Reads a value at a position in a record: keeps scalars, and enters maps one level deep.
struct RecordLevel<'r, 'de> {
    record: &'r mut Record<'de>,
    path: Path<'de>,
}

impl<'de> RecordLevel<'_, 'de> {
    fn keep(self, value: Scalar<'de>) {
        let name = match self.path {
            Path::Record => None,
            Path::Field(name) => name_of(name, b""),
            Path::Inner(outer, inner) => name_of(outer, inner),
        };
        if let Some(name) = name.filter(|_| self.record.fields.len() < FIELDS_MAX) {
            self.record.fields.push((name, value));
        }
    }

    /// The position of a field in the present map, if it can contain a fact.
    fn below(&self, key: &'de [u8]) -> Option<Path<'de>> {
        match self.path {
            Path::Record => is_candidate(key).then_some(Path::Field(key)),
            Path::Field(outer) => name_of(outer, key).map(|_| Path::Inner(outer, key)),
            Path::Inner(..) => None,
        }
    }

    /// Reads one field of a map; returns whether there may be more.
    fn field<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        let Some(key) = map.next_key_seed(FieldName)? else {
            return Ok(false);
        };
        match self.below(key) {
            Some(path) => map.next_value_seed(RecordLevel {
                record: self.record,
                path,
            })?,
            None => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self.record.damage.is_none())
    }
}

impl<'de> DeserializeSeed<'de> for RecordLevel<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Text that is not UTF-8 becomes an error only if it is used.
        maxminddb::deserialize_any_with_raw_strings(deserializer, self)
    }
}

impl<'de> Visitor<'de> for RecordLevel<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    /// After damage no later field can be found; the fields before it are kept.
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        loop {
            match self.field(&mut map) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    self.record.damage = Some(error.to_string());
                    return Ok(());
                }
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_bytes(self)
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<(), E> {
        self.keep(Scalar::Text(bytes));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.visit_borrowed_bytes(text.as_bytes())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.keep(Scalar::Number(number));
        Ok(())
    }

    /// Uses the shortest decimal for the number: 50.1, not 50.099998474121094.
    fn visit_f32<E: Error>(self, number: f32) -> Result<(), E> {
        self.visit_f64(number.to_string().parse().unwrap_or(f64::NAN))
    }

    fn visit_i32<E: Error>(self, number: i32) -> Result<(), E> {
        self.visit_f64(f64::from(number))
    }

    fn visit_u16<E: Error>(self, number: u16) -> Result<(), E> {
        self.visit_f64(f64::from(number))
    }

    fn visit_u32<E: Error>(self, number: u32) -> Result<(), E> {
        self.visit_f64(f64::from(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<(), E> {
        self.visit_f64(number as f64)
    }
}

/// The name of a field as bytes.
struct FieldName;

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = &'de [u8];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'de [u8], D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for FieldName {
    type Value = &'de [u8];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<&'de [u8], E> {
        Ok(bytes)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<&'de [u8], E> {
        Ok(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Scalar<'_> {
        Scalar::Text(value.as_bytes())
    }

    fn read(fields: &[(&'static str, Scalar<'static>)]) -> String {
        let record = Record {
            fields: fields.to_vec(),
            damage: None,
        };
        let facts = record.facts();
        let place = facts.place;
        let mut words = Vec::new();
        for (fact, field) in PlaceFact::ALL.into_iter().zip(facts.fields) {
            let value = fact.value(&place);
            if !value.is_empty() {
                words.push(format!("{value}={}", fact.field(field)));
            }
        }
        words.join(" ")
    }

    #[test]
    fn the_first_field_that_can_be_read_tells_each_fact() {
        use Scalar::Number;
        let ipinfo_lite = [
            ("country", text("Germany")),
            ("country_code", text("DE")),
            ("continent", text("Europe")),
            ("continent_code", text("EU")),
            ("asn", text("AS3320")),
        ];
        let flat_beside_nested = [
            ("location.latitude", text("north")),
            ("location.longitude", Number(11.0)),
            ("latitude", Number(48.5)),
            ("longitude", Number(11.5)),
        ];
        let unreadable = [
            ("country", Number(49.0)),
            ("asn", Number(-1.0)),
            ("as_number", Number(1.5)),
            ("country_code", Scalar::Text(b"\xff\xfe")),
            ("countryCode", text("ZZ")),
            ("continent", text("XX")),
            ("latitude", Number(91.0)),
            ("longitude", Number(11.0)),
        ];
        type Case<'c> = (&'c [(&'static str, Scalar<'static>)], &'c str);
        let cases: &[Case<'_>] = &[
            (&ipinfo_lite, "de=country_code eu=continent_code 3320=asn"),
            (
                &[("country", text("DE")), ("continent", text("EU"))],
                "de=country eu=continent",
            ),
            (
                &[
                    ("country.iso_code", text("--")),
                    ("registered_country", text("FR")),
                ],
                "fr=registered_country eu=registered_country",
            ),
            (
                &[("lat", text("50.1")), ("lng", text(" 8.6 "))],
                "50.1,8.6=lat",
            ),
            (&flat_beside_nested, "48.5,11.5=latitude"),
            (&[("loc", text("50.1, 8.6"))], "50.1,8.6=loc"),
            (&[("as", text("AS15169 Google LLC"))], "15169=as"),
            (
                &[("as", text("Google LLC")), ("as_number", Number(15169.0))],
                "15169=as_number",
            ),
            (&unreadable, ""),
        ];
        for (fields, expected) in cases {
            assert_eq!(read(fields), *expected, "{fields:?}");
        }
    }

    #[test]
    fn every_name_is_found_again() {
        for name in names() {
            let (outer, inner) = name.split_once('.').unwrap_or((name, ""));
            assert_eq!(name_of(outer.as_bytes(), inner.as_bytes()), Some(name));
            assert!(is_candidate(outer.as_bytes()));
        }
        assert_eq!(name_of(b"country", b"names"), None);
    }
}
