//! The names of mirrors: which may be given, which one a part means, and which one was meant by a
//! name that there is not.

/// Longest name in bytes: a ping makes a file of that name, and file systems take no longer one.
pub const NAME_BYTES_MAX: usize = 255;

/// How alike two words are at least, from 0 to 1, that one may be a slip of the other: two letters
/// that changed places, or one letter too many, stay above it.
const ALIKE_MIN: f64 = 0.8;

/// Names in one message; more would hide what it says.
const NAMES_MAX: usize = 10;

/// The advice for a site that has no mirrors.
pub const NO_MIRRORS: &str = "there are no mirrors yet; `heliostat new` adds one, `heliostat \
    import mirrorbrain` takes over MirrorBrain's";

/// A name that no mirror may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{}' is no name for a mirror: {cause}; write letters, digits and marks such as . - _ in one \
     word, e.g. the host's name",
    visible(name)
)]
pub struct NameError {
    /// The name.
    pub name: String,
    /// Why not.
    pub cause: NameCause,
}

/// Why a name cannot be a mirror's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameCause {
    /// There is no character.
    #[error("it is empty")]
    Empty,
    /// More than [`NAME_BYTES_MAX`] bytes.
    #[error("it is longer than {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// Programs would take it for an option.
    #[error("it begins with a dash, as options do")]
    Dash,
    /// A file of that name would be hidden, or a folder.
    #[error("it begins with a dot, as '..' does")]
    Dot,
    /// A character that ends a word, or opens something else, in a shell, a path, a log, a header
    /// or a page.
    #[error("'{}' may not stand in it", visible_character(*.0))]
    Character(char),
}

/// Checks a name that somebody gives a mirror: what shells, paths, logs and headers take as one
/// word. `heliostat new`, `heliostat rename` and imports ask here.
///
/// # Errors
/// Returns [`NameError`] if no mirror may have that name.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let is_refused = |c: &char| !c.is_ascii_graphic() || "/\\<>\"'`$;&|()*?".contains(*c);
    let cause = match name.chars().find(is_refused) {
        _ if name.is_empty() => NameCause::Empty,
        _ if name.len() > NAME_BYTES_MAX => NameCause::TooLong,
        _ if name.starts_with('-') => NameCause::Dash,
        _ if name.starts_with('.') => NameCause::Dot,
        Some(c) => NameCause::Character(c),
        None => return Ok(()),
    };
    Err(NameError {
        name: name.to_owned(),
        cause,
    })
}

fn visible(name: &str) -> String {
    name.chars().map(visible_character).collect()
}

fn visible_character(c: char) -> String {
    match c {
        '\\' | '\'' | '"' => c.to_string(),
        _ => c.escape_debug().to_string(),
    }
}

/// Why a name, or a part of one, means no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// There are no mirrors at all.
    #[error("no mirror is called '{wanted}': {NO_MIRRORS}")]
    Empty {
        /// The text that was looked up.
        wanted: String,
    },
    /// No name has the text in it.
    #[error(
        "no mirror is called '{wanted}', and none has that in its name; {}`heliostat list -a` \
         lists them all",
        question(nearest.as_deref())
    )]
    NotFound {
        /// The text that was looked up.
        wanted: String,
        /// The name that is most like it, if any is.
        nearest: Option<String>,
    },
    /// The text is a part of a name, where the whole name is wanted.
    #[error(
        "no mirror is called '{wanted}'; write the whole name: {}",
        listed(names)
    )]
    Part {
        /// The text that was looked up.
        wanted: String,
        /// The mirrors that have it in their names.
        names: Vec<String>,
    },
    /// Several names have the text in them.
    #[error(
        "'{wanted}' fits several mirrors, write one of them: {}",
        listed(names)
    )]
    Several {
        /// The text that was looked up.
        wanted: String,
        /// The mirrors.
        names: Vec<String>,
    },
}

/// `did you mean x? `, or nothing.
pub fn question(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("did you mean {name}? "))
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let first = names[..names.len().min(NAMES_MAX)].join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Whatever has the name of a mirror.
pub trait HasName {
    /// The mirror's name.
    fn name(&self) -> &str;
}

impl HasName for String {
    fn name(&self) -> &str {
        self
    }
}

/// The mirror of exactly that name alone, else all that have it in their names.
pub fn fitting<'m, T: HasName>(mirrors: &'m [T], wanted: &str) -> Vec<&'m T> {
    match mirrors.iter().find(|mirror| mirror.name() == wanted) {
        Some(exact) => vec![exact],
        None => mirrors
            .iter()
            .filter(|mirror| mirror.name().contains(wanted))
            .collect(),
    }
}

/// The mirror of exactly that name, else the only one that has it in its name.
///
/// # Errors
/// Returns [`LookupError`] if no name or several names fit.
pub fn find<'m, T: HasName>(mirrors: &'m [T], wanted: &str) -> Result<&'m T, LookupError> {
    match fitting(mirrors, wanted)[..] {
        [one] => Ok(one),
        [] => Err(not_found(mirrors, wanted)),
        ref several => Err(LookupError::Several {
            wanted: wanted.to_owned(),
            names: owned(several),
        }),
    }
}

/// The mirror of exactly that name, whatever else has it in its name.
///
/// # Errors
/// Returns [`LookupError`] if there is none.
pub fn find_exactly<'m, T: HasName>(mirrors: &'m [T], wanted: &str) -> Result<&'m T, LookupError> {
    match fitting(mirrors, wanted)[..] {
        [one] if one.name() == wanted => Ok(one),
        [] => Err(not_found(mirrors, wanted)),
        ref parts => Err(LookupError::Part {
            wanted: wanted.to_owned(),
            names: owned(parts),
        }),
    }
}

fn owned<T: HasName>(mirrors: &[&T]) -> Vec<String> {
    let names = mirrors.iter().map(|mirror| mirror.name());
    names.map(str::to_owned).collect()
}

/// Says that none of these mirrors is meant, and which one may be.
pub fn not_found<T: HasName>(mirrors: &[T], wanted: &str) -> LookupError {
    let wanted = wanted.to_owned();
    if mirrors.is_empty() {
        return LookupError::Empty { wanted };
    }
    let nearest = nearest(mirrors.iter().map(HasName::name), &wanted).map(str::to_owned);
    LookupError::NotFound { wanted, nearest }
}

/// The word that is most like the wanted one, if any can be meant by it; neither case nor marks
/// count.
pub fn nearest<'n>(words: impl Iterator<Item = &'n str>, wanted: &str) -> Option<&'n str> {
    let plain = |word: &str| -> String {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(&wanted.chars().take(NAME_BYTES_MAX).collect::<String>());
    words
        .map(|word| {
            (
                strsim::normalized_damerau_levenshtein(&plain(word), &wanted),
                word,
            )
        })
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_everywhere() {
        for name in [
            "m.example.org",
            "m1_2:eu+x@y~z",
            "[2001:db8::1]",
            "a..b",
            "x,y=1%#",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for (name, cause) in [
            ("", NameCause::Empty),
            (&"x".repeat(256), NameCause::TooLong),
            ("-x", NameCause::Dash),
            ("..", NameCause::Dot),
            (".x", NameCause::Dot),
            ("a b", NameCause::Character(' ')),
            ("a/../b", NameCause::Character('/')),
            ("a\u{202e}b", NameCause::Character('\u{202e}')),
            ("é", NameCause::Character('é')),
            ("a`b`", NameCause::Character('`')),
            ("a\nb", NameCause::Character('\n')),
        ] {
            let error = check_name(name).expect_err(name);
            assert_eq!(error.cause, cause, "{name}");
            let said = error.to_string();
            assert!(
                !said.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{said}"
            );
        }
    }

    #[test]
    fn names_are_exact_or_a_part_that_fits_one() {
        let names = ["de", "de.uni", "fr.uni"].map(str::to_owned);
        let look = |wanted: &str| find(&names, wanted).cloned();
        assert_eq!(look("de"), Ok("de".to_owned()));
        assert_eq!(look("fr"), Ok("fr.uni".to_owned()));
        let error = look("uni").expect_err("two").to_string();
        assert!(
            error.ends_with("write one of them: de.uni, fr.uni"),
            "{error}"
        );
        let error = look("fr-uin").expect_err("none").to_string();
        assert!(error.contains("did you mean fr.uni?"), "{error}");
        assert_eq!(
            look("x"),
            Err(LookupError::NotFound {
                wanted: "x".to_owned(),
                nearest: None
            })
        );
        let error = find_exactly(&names, "fr").expect_err("a part").to_string();
        assert!(error.ends_with("write the whole name: fr.uni"), "{error}");
        assert!(find_exactly(&names, "de").is_ok());
        let none: [String; 0] = [];
        let error = find(&none, "x").expect_err("none").to_string();
        assert!(error.contains("`heliostat new` adds one"), "{error}");
    }

    #[test]
    fn the_nearest_word_is_a_slip_away() {
        let words = ["score", "country", "countryOnly", "baseurl"];
        for (wanted, meant) in [
            ("skore", Some("score")),
            ("contry", Some("country")),
            ("Base-URL", Some("baseurl")),
            ("country_only", Some("countryOnly")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(words.into_iter(), wanted), meant, "{wanted}");
        }
    }
}
