//! Draws a map of a client's mirrors as inline SVG.
//!
//! The projection is plate carrée: two units per degree, so that the whole world is 720 units wide.
//! The window shows the closest mirrors. Mirrors without coordinates are not drawn, and the client
//! never is, because people show such pages to others. The map loads nothing, and the shapes have
//! colours as attributes, so that the map is readable under an admin's own page head and any style
//! sheet can change it.

use std::fmt::Write;

use super::mirror_list::MirrorPage;
use crate::domain::escape::html_into;
use crate::domain::place::Coordinates;

/// Units per degree.
const SCALE: f64 = 2.0;
/// Number of best mirrors that have a number on the map and determine the window.
const CLOSEST: usize = 9;
/// Smallest width of a window in degrees of longitude; the outlines are too coarse for less.
const WIDTH_MIN_DEGREES: f64 = 60.0;
/// Width of a window divided by its height.
const ASPECT: f64 = 2.0;
/// Northern and southern edge of the world as drawn, in degrees; there are no mirrors at the poles.
const NORTH: f64 = 84.0;
const SOUTH: f64 = -58.0;
/// Largest number of mirrors on a map; more would cover each other.
const MIRRORS_MAX: usize = 300;

/// Outlines of land as an SVG path, in tenths of a degree (longitude, latitude), which is the same
/// in every map: Natural Earth's land at 1:50,000,000, which is in the public domain, to 0.15
/// degrees and without small islands and Antarctica.
pub(crate) const LAND_PATH: &str = include_str!("template/land.path");

/// From the units of the outlines to those of the map.
pub(crate) const LAND_TRANSFORM: &str = "translate(360 180) scale(.2 -.2)";

/// The part of the world that a map shows, in units.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

fn x_of(at: Coordinates) -> f64 {
    (at.longitude.clamp(-180.0, 180.0) + 180.0) * SCALE
}

fn y_of(at: Coordinates) -> f64 {
    (90.0 - at.latitude.clamp(-90.0, 90.0)) * SCALE
}

impl Window {
    /// The smallest window that shows all the places with some room around them.
    fn around(places: &[Coordinates]) -> Window {
        let world = Window {
            x: 0.0,
            y: (90.0 - NORTH) * SCALE,
            width: 360.0 * SCALE,
            height: (NORTH - SOUTH) * SCALE,
        };
        let bounds = |of: fn(Coordinates) -> f64| {
            let all = places.iter().copied().map(of);
            let low = all.clone().fold(f64::INFINITY, f64::min);
            (low, all.fold(f64::NEG_INFINITY, f64::max))
        };
        if places.is_empty() {
            return world;
        }
        let ((west, east), (north, south)) = (bounds(x_of), bounds(y_of));
        let wide = ((east - west) * 1.2).max((south - north) * 1.2 * ASPECT);
        let width = wide.max(WIDTH_MIN_DEGREES * SCALE).min(world.width);
        let height = (width / ASPECT).min(world.height);
        let fit = |middle: f64, size: f64, low: f64, all: f64| {
            (middle - size / 2.0).min(low + all - size).max(low)
        };
        Window {
            x: fit((west + east) / 2.0, width, world.x, world.width),
            y: fit((north + south) / 2.0, height, world.y, world.height),
            width,
            height,
        }
    }
}

/// Appends the map; appends nothing if no mirror has coordinates.
pub(crate) fn map_into(out: &mut Vec<u8>, page: &MirrorPage<'_>) {
    let mirrors: Vec<(usize, Coordinates)> = page
        .mirrors
        .iter()
        .enumerate()
        .filter_map(|(index, mirror)| Some((index, mirror.at?)))
        .take(MIRRORS_MAX)
        .collect();
    if mirrors.is_empty() {
        return;
    }
    let closest = mirrors.iter().filter(|(index, _)| *index < CLOSEST);
    let closest: Vec<Coordinates> = closest.map(|(_, at)| *at).collect();
    let window = Window::around(&closest);
    open_into(out, window);
    // Drawn from last to first, so that the best mirrors lie on top.
    for (index, at) in mirrors.iter().rev() {
        let title = page.mirrors[*index].name;
        point_into(out, window, *at, *index, title);
    }
    out.extend_from_slice(
        b"</svg>\n<figcaption>Map showing the closest mirrors</figcaption>\n</figure>\n",
    );
}

fn open_into(out: &mut Vec<u8>, window: Window) {
    let Window {
        x,
        y,
        width,
        height,
    } = window;
    let mut text = format!(
        "<figure id=\"mirrorbrain-map\">\n<svg viewBox=\"{x:.0} {y:.0} {width:.0} {height:.0}\" \
         role=\"img\" aria-label=\"Map of the closest mirrors\">\n\
         <rect class=\"mirrorbrain-map-sea\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" fill=\"#dbe9f4\"/>\n\
         <path class=\"mirrorbrain-map-land\" fill=\"#b9c7a8\" fill-rule=\"evenodd\" \
         transform=\"{LAND_TRANSFORM}\" d=\""
    );
    text.push_str(LAND_PATH.trim_end());
    text.push_str("\"/>\n<path class=\"mirrorbrain-map-grid\" fill=\"none\" stroke=\"#7f93a3\" ");
    let _ = write!(
        text,
        "stroke-opacity=\".45\" stroke-width=\"{:.2}\" d=\"",
        width / 1500.0
    );
    for degrees in (-180..=180).step_by(15) {
        let _ = write!(text, "M{} 0v360", (degrees + 180) * 2);
    }
    for degrees in (-60..=75).step_by(15) {
        let _ = write!(text, "M0 {}h720", (90 - degrees) * 2);
    }
    text.push_str("\"/>\n");
    out.extend_from_slice(text.as_bytes());
}

/// Appends a mirror's point; `index` is the mirror's position in the list.
fn point_into(out: &mut Vec<u8>, window: Window, at: Coordinates, index: usize, title: &str) {
    let number = (index < CLOSEST).then_some(index + 1);
    let share = if number.is_some() { 52.0 } else { 130.0 };
    let (x, y, radius) = (x_of(at), y_of(at), window.width / share);
    let border = radius / 6.0;
    let mut text = format!(
        "<g class=\"mirrorbrain-map-mirror\"><circle cx=\"{x:.1}\" cy=\"{y:.1}\" \
         r=\"{radius:.1}\" fill=\"#0b57a4\" stroke=\"#fff\" stroke-width=\"{border:.2}\"/>"
    );
    if let Some(number) = number {
        let size = radius * 1.4;
        let _ = write!(
            text,
            "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\" fill=\"#fff\" \
             text-anchor=\"middle\" font-family=\"sans-serif\">{number}</text>",
            y + size * 0.36
        );
    }
    text.push_str("<title>");
    out.extend_from_slice(text.as_bytes());
    html_into(out, title.as_bytes());
    out.extend_from_slice(b"</title></g>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates {
            latitude,
            longitude,
        }
    }

    #[test]
    fn a_window_shows_its_places_and_never_leaves_the_world() {
        for places in [
            vec![at(52.5, 13.4)],
            vec![at(52.5, 13.4), at(48.1, 11.6)],
            vec![at(-41.3, 174.8), at(64.1, -21.9)],
            vec![at(-90.0, 180.0)],
            vec![at(83.0, -179.9), at(83.0, 179.9)],
        ] {
            let window = Window::around(&places);
            assert!(
                window.x >= 0.0 && window.x + window.width <= 720.0,
                "{window:?}"
            );
            assert!(
                window.y >= 0.0 && window.y + window.height <= 360.0,
                "{window:?}"
            );
            for place in places {
                let x = x_of(place);
                assert!(x >= window.x && x <= window.x + window.width, "{window:?}");
            }
        }
    }

    #[test]
    fn outlines_lie_on_the_globe() {
        let (mut at, mut points) = ((0_i32, 0_i32), 0);
        for outline in LAND_PATH.split_terminator('M').skip(1) {
            let (start, rest) = outline.split_once('l').expect("lines");
            let number = |text: &str| text.parse::<i32>().expect("a number");
            let pairs = |text: &str| {
                let spaced = text.trim_end().trim_end_matches('z').replace('-', " -");
                let numbers: Vec<i32> = spaced.split_whitespace().map(number).collect();
                assert_eq!(numbers.len() % 2, 0, "{text}");
                numbers
            };
            if let [x, y] = pairs(start)[..] {
                at = (x, y);
            }
            for step in pairs(rest).chunks(2) {
                at = (at.0 + step[0], at.1 + step[1]);
                points += 1;
                assert!(
                    (-1800..=1800).contains(&at.0) && (-900..=900).contains(&at.1),
                    "{at:?}"
                );
            }
        }
        assert!(points > 5000, "{points}");
    }
}
