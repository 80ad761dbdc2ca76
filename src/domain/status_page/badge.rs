//! Draws badges: a word and its value, as an SVG file that stands in pages of others.

use crate::domain::escape::html_into;

/// The colour of a badge; its words say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadgeColour {
    /// All is well.
    Green,
    /// Some parts are not well.
    Yellow,
    /// Nothing works.
    Red,
}

/// Width of a character of the badge's font, about.
const CHARACTER: usize = 7;

/// A badge; XML forbids control characters, so that they are left out.
pub fn badge(name: &str, value: &str, colour: BadgeColour) -> String {
    let ground = match colour {
        BadgeColour::Green => "#1f7a3d",
        BadgeColour::Yellow => "#8f5500",
        BadgeColour::Red => "#b3261e",
    };
    let plain = |text: &str| {
        let mut out = Vec::new();
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        html_into(&mut out, text.as_bytes());
        String::from_utf8_lossy(&out).into_owned()
    };
    let width = |text: &str| text.chars().count() * CHARACTER + 12;
    let (left, right) = (width(name), width(value));
    let (name, value) = (plain(name), plain(value));
    let all = left + right;
    let (middle, second) = (left / 2, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" \
         viewBox=\"0 0 {all} 20\" role=\"img\" aria-label=\"{name}: {value}\">\n\
         <title>{name}: {value}</title>\n\
         <rect width=\"{left}\" height=\"20\" fill=\"#3b4651\"/>\n\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{ground}\"/>\n\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" \
         text-anchor=\"middle\">\n\
         <text x=\"{middle}\" y=\"14\">{name}</text>\n\
         <text x=\"{second}\" y=\"14\">{value}</text>\n</g>\n</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e5_names_are_escaped() {
        let svg = badge("<b>&\"\u{1}", "up", BadgeColour::Green);
        assert!(svg.contains("&lt;b&gt;&amp;&quot;: up"), "{svg}");
        assert!(!svg.contains('\u{1}') && !svg.contains("<b>"), "{svg}");
    }
}
