//! Where a client or a mirror is: country, region (continent), coordinates, autonomous system.

use std::fmt;
use std::str::FromStr;

/// Two letters or digits; case is ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Code([u8; 2]);

impl Code {
    fn parse(bytes: &[u8]) -> Option<Code> {
        match bytes {
            [a, b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() => {
                Some(Code([a.to_ascii_lowercase(), b.to_ascii_lowercase()]))
            }
            _ => None,
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("two ASCII letters or digits")
    }
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Code);

        impl $name {
            /// Reads exactly two ASCII letters or digits; `None` for anything else, also `--`.
            pub fn parse(bytes: &[u8]) -> Option<$name> {
                Code::parse(bytes).map($name)
            }

            /// The code in lower case.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

code! {
    /// ISO 3166-1 alpha-2 code, or one of GeoIP's own such as `a1`.
    CountryCode
}
code! {
    /// Continent, which MirrorBrain calls "region": af as eu na oc sa an.
    RegionCode
}

/// Codes of GeoIP files beside those of ISO 3166: proxies, satellites, others, Europe, Asia and the
/// Pacific, Kosovo.
const FURTHER_CODES: [&str; 6] = ["a1", "a2", "o1", "eu", "ap", "xk"];

impl CountryCode {
    /// The English name of a country; `None` for codes that stand for no country (`a1`, `eu`).
    pub fn name(self) -> Option<&'static str> {
        let country = iso3166::Country::from_alpha2_ignore_case(self.as_str())?;
        Some(country.data().name)
    }

    /// Whether a client may ever have this code.
    pub fn is_known(self) -> bool {
        self.name().is_some() || FURTHER_CODES.contains(&self.as_str())
    }
}

/// Degrees; north and east positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    /// −90 … 90.
    pub latitude: f64,
    /// −180 … 180.
    pub longitude: f64,
}

impl Coordinates {
    /// Coordinates of which neither is zero: zero means "unknown" in MirrorBrain's data.
    pub fn known(latitude: f64, longitude: f64) -> Option<Coordinates> {
        let usable = |degrees: f64| degrees.is_finite() && degrees != 0.0;
        (usable(latitude) && usable(longitude)).then_some(Coordinates {
            latitude,
            longitude,
        })
    }

    /// The angle between two places on the globe, in degrees (haversine formula).
    pub fn degrees_to(self, other: Coordinates) -> f64 {
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let h = half(self.latitude, other.latitude)
            + self.latitude.to_radians().cos()
                * other.latitude.to_radians().cos()
                * half(self.longitude, other.longitude);
        (2.0 * h.sqrt().min(1.0).asin()).to_degrees()
    }

    /// The distance on the globe, in kilometres.
    pub fn kilometres_to(self, other: Coordinates) -> f64 {
        /// Mean radius of the Earth (IUGG).
        const RADIUS_KM: f64 = 6371.0;
        self.degrees_to(other).to_radians() * RADIUS_KM
    }
}

/// Autonomous system number; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(u32);

impl Asn {
    /// `None` for 0, which MirrorBrain's tables use for "unknown".
    pub fn new(number: u32) -> Option<Asn> {
        (number != 0).then_some(Asn(number))
    }

    /// Reads the digits at the start, as MirrorBrain does with `?as=`.
    pub fn parse_leading(bytes: &[u8]) -> Option<Asn> {
        let digits = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        std::str::from_utf8(&bytes[..digits])
            .ok()?
            .parse()
            .ok()
            .and_then(Asn::new)
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Asn {
    type Err = ();

    /// Reads `64500` or `AS64500`.
    fn from_str(text: &str) -> Result<Asn, ()> {
        let digits = text
            .strip_prefix("AS")
            .or_else(|| text.strip_prefix("as"))
            .unwrap_or(text);
        digits.parse().ok().and_then(Asn::new).ok_or(())
    }
}

/// Everything that is known about where a client is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Place {
    /// Country.
    pub country: Option<CountryCode>,
    /// Continent.
    pub region: Option<RegionCode>,
    /// Coordinates.
    pub coordinates: Option<Coordinates>,
    /// Autonomous system.
    pub asn: Option<Asn>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_two_alphanumerics_without_case() {
        assert_eq!(CountryCode::parse(b"DE"), CountryCode::parse(b"de"));
        assert_eq!(
            CountryCode::parse(b"A1").map(|c| c.to_string()).as_deref(),
            Some("a1")
        );
        for bad in [&b"--"[..], b"", b"d", b"deu", b"d ", b"**", b"\xc3\xa9"] {
            assert_eq!(CountryCode::parse(bad), None);
        }
    }

    #[test]
    fn distances_are_those_on_the_globe() {
        let at = |latitude, longitude| Coordinates {
            latitude,
            longitude,
        };
        let berlin = at(52.52, 13.405);
        for (other, kilometres) in [
            (berlin, 0.0),
            (at(48.137, 11.575), 504.0),
            (at(-33.868, 151.207), 16_094.0),
            (at(-52.52, -166.595), 20_015.0),
        ] {
            let found = berlin.kilometres_to(other);
            assert!((found - kilometres).abs() < 15.0, "{other:?}: {found}");
        }
    }

    #[test]
    fn zero_coordinates_and_networks_are_unknown() {
        assert!(Coordinates::known(52.5, 13.4).is_some());
        assert!(Coordinates::known(0.0, 13.4).is_none());
        assert!(Coordinates::known(f64::NAN, 13.4).is_none());
        assert_eq!(Asn::parse_leading(b"680x").map(Asn::number), Some(680));
        assert_eq!(Asn::parse_leading(b"x680"), None);
        assert_eq!(Asn::parse_leading(b"99999999999"), None);
        assert_eq!("AS64500".parse(), Ok(Asn(64500)));
        assert_eq!("0".parse::<Asn>(), Err(()));
    }
}
