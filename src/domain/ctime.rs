//! Times in words: as C's `ctime` writes them, which MirrorBrain's lines and comments carry, and
//! as mail and HTTP write them.

use super::time::Timestamp;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Tue Jun  3 14:51:20 2014`, in UTC.
pub fn ctime(at: Timestamp) -> String {
    let (year, month, day) = at.date();
    // 1970 began on a Thursday.
    let weekday = DAYS[at.0.div_euclid(86_400).rem_euclid(7) as usize];
    let month = MONTHS[(month as usize - 1) % 12];
    let second = at.0.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// `Tue, 03 Jun 2014 14:51:20 GMT` (RFC 822 with four digits of the year, as RFC 9110 §5.6.7).
pub fn rfc822(at: Timestamp) -> String {
    let (year, month, day) = at.date();
    let weekday = DAYS[at.0.div_euclid(86_400).rem_euclid(7) as usize];
    let month = MONTHS[(month as usize - 1) % 12];
    let second = at.0.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// A date of HTTP in any of the three forms that a recipient must read (RFC 9110 §5.6.7).
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let parts = |text: &str| -> Vec<String> {
        let is_gap = |c: char| matches!(c, ' ' | ',' | '-' | ':');
        let words = text.split(is_gap).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let words = parts(text.trim());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (day, month, year, time) = match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT, and Sunday, 06-Nov-94 08:49:37 GMT
        [_, day, month, year, hour, minute, second, "GMT"] => {
            (day, month, year, [hour, minute, second])
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, hour, minute, second, year] => (day, month, year, [hour, minute, second]),
        _ => return None,
    };
    let month = MONTHS.iter().position(|known| *known == month)? as u32 + 1;
    let year: i64 = match (year.len(), year.parse::<u16>().ok()?) {
        // Two digits are of the last century from 70 on: nothing is older than Unix.
        (2, year @ 70..) => 1900 + i64::from(year),
        (2, year) => 2000 + i64::from(year),
        (4, year) => i64::from(year),
        _ => return None,
    };
    let number = |text: &str, limit: u32| text.parse().ok().filter(|found| *found <= limit);
    let day = number(day, 31).filter(|day| *day > 0)?;
    let [hour, minute, second] = time;
    let time = (number(hour, 23)?, number(minute, 59)?, number(second, 60)?);
    Some(Timestamp::from_utc((year, month, day), time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_in_c() {
        for (seconds, text) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (1_401_807_080, "Tue Jun  3 14:51:20 2014"),
            (-1, "Wed Dec 31 23:59:59 1969"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
        ] {
            assert_eq!(ctime(Timestamp(seconds)), text);
        }
    }

    #[test]
    fn times_read_as_in_mail() {
        let text = rfc822(Timestamp(1_401_807_080));
        assert_eq!(text, "Tue, 03 Jun 2014 14:51:20 GMT");
    }

    #[test]
    fn dates_of_http_are_read_in_three_forms() {
        let at = Some(Timestamp(784_111_777));
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", at),
            ("Sunday, 06-Nov-94 08:49:37 GMT", at),
            ("Sun Nov  6 08:49:37 1994", at),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 36 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 06 Non 1994 08:49:37 GMT", None),
            ("784111777", None),
            ("", None),
        ] {
            assert_eq!(parse_http_date(text), expected, "{text}");
        }
        let at = Timestamp(1_401_807_080);
        assert_eq!(parse_http_date(&rfc822(at)), Some(at));
    }
}
