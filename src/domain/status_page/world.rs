//! Draws places on a map of the world, as inline SVG; it is the map of the page of a file.

use std::fmt::Write;

use crate::domain::document::{LAND_PATH, LAND_TRANSFORM};
use crate::domain::escape::html_into;
use crate::domain::place::Coordinates;

/// More places would cover each other.
const PLACES_MAX: usize = 700;

/// Where countries are: code, latitude, longitude per line. It is each country's first place in the
/// table of time zones (public domain), and the middle of large countries.
const COUNTRIES: &str = include_str!("template/country.place");

/// A place on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct MapPlace {
    /// Where.
    pub at: Coordinates,
    /// Class of the style sheet.
    pub class: &'static str,
    /// Radius; the map is 720 wide.
    pub radius: f64,
    /// Words for it.
    pub title: String,
}

/// Where a country is drawn.
pub fn place_of_country(code: &str) -> Option<Coordinates> {
    let found = COUNTRIES
        .lines()
        .find(|line| line.get(..2).is_some_and(|c| c.eq_ignore_ascii_case(code)))?;
    let mut numbers = found.split(' ').skip(1).map(str::parse);
    let (latitude, longitude) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Coordinates::known(latitude, longitude)
}

/// The map; `None` without a place.
pub fn world(name: &str, places: &[MapPlace]) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let mut svg = format!(
        "<svg class=\"world\" viewBox=\"0 12 720 284\" role=\"img\" aria-label=\"{name}\">\
         <rect class=\"sea\" x=\"0\" y=\"12\" width=\"720\" height=\"284\"/>\
         <path class=\"land\" transform=\"{LAND_TRANSFORM}\" d=\"{}\"/>",
        LAND_PATH.trim_end()
    );
    for place in places.iter().take(PLACES_MAX) {
        let mut title = Vec::new();
        html_into(&mut title, place.title.as_bytes());
        let _ = write!(
            svg,
            "<circle class=\"{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\"><title>{}</title></circle>",
            place.class,
            (place.at.longitude + 180.0) * 2.0,
            (90.0 - place.at.latitude) * 2.0,
            place.radius,
            String::from_utf8_lossy(&title)
        );
    }
    Some(svg + "</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_have_a_place() {
        for code in ["de", "US", "nz", "za"] {
            assert!(place_of_country(code).is_some(), "{code}");
        }
        assert_eq!(place_of_country("zz"), None);
        let wrong = COUNTRIES.lines().find(|line| {
            let code = line.get(..2).unwrap_or_default();
            place_of_country(code).is_none()
        });
        assert_eq!(wrong, None);
    }
}
