//! Draws charts as inline SVG, from numbers alone. Colours are classes of the style sheet, so that
//! charts follow the reader's light or dark mode; forms differ, too, for those who see no colours.

use std::fmt::Write;

/// The state of something in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Square {
    /// As it should be.
    Good,
    /// Worse.
    Middling,
    /// Bad.
    Bad,
    /// Not known.
    Unknown,
}

impl Square {
    /// The square of a share of good results.
    pub fn of_share(share: Option<f64>) -> Square {
        match share {
            None => Square::Unknown,
            Some(share) if share >= 0.98 => Square::Good,
            Some(share) if share >= 0.5 => Square::Middling,
            Some(_) => Square::Bad,
        }
    }

    /// The square of a lag in seconds: up to one day, up to two.
    pub fn of_lag(lag_s: Option<i64>) -> Square {
        match lag_s {
            None => Square::Unknown,
            Some(..=86_400) => Square::Good,
            Some(86_401..=172_800) => Square::Middling,
            Some(_) => Square::Bad,
        }
    }

    /// Gives class, upper edge and height of a square in a strip of height 10.
    fn form(self) -> (&'static str, u8, u8) {
        match self {
            Square::Good => ("ok", 0, 10),
            Square::Middling => ("mid", 3, 7),
            Square::Bad => ("bad", 6, 4),
            Square::Unknown => ("none", 9, 1),
        }
    }
}

/// A strip of squares, as mirmon has it: the last one is the latest.
pub fn strip(name: &str, squares: &[Square]) -> String {
    let count = |wanted: Square| squares.iter().filter(|square| **square == wanted).count();
    let known = squares.len() - count(Square::Unknown);
    let mut svg = format!(
        "<svg class=\"strip\" viewBox=\"0 0 {} 10\" role=\"img\" \
         aria-label=\"{name}: {} of {known} days good\">",
        squares.len() * 6,
        count(Square::Good)
    );
    for wanted in [Square::Good, Square::Middling, Square::Bad, Square::Unknown] {
        let (class, top, height) = wanted.form();
        let places = squares.iter().enumerate();
        let places = places.filter(|(_, square)| **square == wanted);
        let forms: String = places
            .map(|(place, _)| format!("M{} {top}h5v{height}h-5z", place * 6))
            .collect();
        if !forms.is_empty() {
            let _ = write!(svg, "<path class=\"{class}\" d=\"{forms}\"/>");
        }
    }
    svg + "</svg>"
}

/// Size of a chart and the room for its words, which are 22 high on a phone.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 162.0;
const BELOW: f64 = 28.0;
const ABOVE: f64 = 28.0;

/// One value of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartPoint {
    /// The place of the value on the axis, such as a date.
    pub name: String,
    /// How large it is; `None`: not known.
    pub value: Option<f64>,
    /// The value for people.
    pub text: String,
}

fn escaped(text: &str) -> String {
    let mut out = Vec::new();
    crate::domain::escape::html_into(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

fn open(name: &str) -> String {
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(name)
    )
}

/// The largest value in words, the first and the last name, and a ground line.
fn words(svg: &mut String, points: &[ChartPoint], top: &str) {
    let ground = HEIGHT - BELOW;
    let _ = write!(
        svg,
        "<path class=\"grid\" d=\"M0 {ground}h{WIDTH}M0 {ABOVE}h{WIDTH}\"/>\
         <text x=\"0\" y=\"{}\">{}</text>",
        ABOVE - 5.0,
        escaped(top)
    );
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        let y = HEIGHT - 6.0;
        let _ = write!(
            svg,
            "<text x=\"0\" y=\"{y}\">{}</text>\
             <text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            escaped(&first.name),
            escaped(&last.name)
        );
    }
}

fn largest(points: &[ChartPoint]) -> Option<&ChartPoint> {
    let known = points.iter().filter(|point| point.value.is_some());
    known.max_by(|a, b| {
        a.value
            .partial_cmp(&b.value)
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// Draws a bar per value. Absent if no value is known.
pub fn bars(name: &str, points: &[ChartPoint]) -> Option<String> {
    let top = largest(points)?;
    let most = top.value.unwrap_or(0.0).max(f64::MIN_POSITIVE);
    let mut svg = open(name);
    words(&mut svg, points, &top.text);
    let step = WIDTH / points.len() as f64;
    let room = HEIGHT - ABOVE - BELOW;
    for (place, point) in points.iter().enumerate() {
        let height = point.value.unwrap_or(0.0).max(0.0) / most * room;
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\">\
             <title>{}: {}</title></rect>",
            step * place as f64 + step * 0.1,
            HEIGHT - BELOW - height,
            step * 0.8,
            escaped(&point.name),
            escaped(&point.text)
        );
    }
    Some(svg + "</svg>")
}

/// Draws a line through the values, with gaps where none is known. `most` is the upper edge, unless
/// it follows from the values.
pub fn line(name: &str, points: &[ChartPoint], most: Option<(f64, &str)>) -> Option<String> {
    let top = largest(points)?;
    let (most, text) = most.unwrap_or((top.value.unwrap_or(0.0), &top.text));
    let most = most.max(f64::MIN_POSITIVE);
    let mut svg = open(name);
    words(&mut svg, points, text);
    let step = WIDTH / points.len().max(2) as f64;
    let room = HEIGHT - ABOVE - BELOW;
    let mut path = String::new();
    let mut is_open = false;
    for (place, point) in points.iter().enumerate() {
        let Some(value) = point.value else {
            is_open = false;
            continue;
        };
        let x = step * place as f64;
        let y = HEIGHT - BELOW - (value / most).clamp(0.0, 1.0) * room;
        let word = if is_open { 'L' } else { 'M' };
        // A step, so that a single day is seen, too.
        let _ = write!(path, "{word}{x:.1} {y:.1}h{step:.1}");
        is_open = true;
    }
    let _ = write!(svg, "<path class=\"line\" d=\"{path}\"/>");
    Some(svg + "</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, value: Option<f64>) -> ChartPoint {
        ChartPoint {
            name: name.to_owned(),
            value,
            text: value.map_or("not known".to_owned(), |value| value.to_string()),
        }
    }

    #[test]
    fn e5_words_are_escaped() {
        let points = [point("<b>&\"", Some(1.0)), point("b", None)];
        let all =
            bars("<i>", &points).expect("a chart") + &line("<i>", &points, None).expect("a chart");
        assert!(!all.contains("<b>") && !all.contains("<i>"), "{all}");
        assert!(all.contains("&lt;b&gt;&amp;&quot;"), "{all}");
    }

    #[test]
    fn without_a_value_there_is_no_chart() {
        assert_eq!(bars("x", &[point("a", None)]), None);
        assert_eq!(line("x", &[], None), None);
    }

    #[test]
    fn a_strip_says_in_words_what_it_shows() {
        let days = [Square::Good, Square::Bad, Square::Unknown];
        let svg = strip("Sync", &days);
        assert!(
            svg.contains("aria-label=\"Sync: 1 of 2 days good\""),
            "{svg}"
        );
        assert_eq!(svg.matches("<path").count(), 3);
    }
}
