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
}
