//! Reads products, languages, locations and aliases from a dump of bouncer's database (mysqldump).
//!
//! Only INSERT statements count, and CREATE TABLE for the names of columns. Any other statement is
//! skipped, because it does not concern these tables.

use std::collections::{BTreeMap, HashMap};

use crate::domain::escape::percent_decode;
use crate::domain::product::Product;

/// A row: column → value; `NULL` is absent.
type BouncerRow = HashMap<String, String>;

/// The content of a dump.
#[derive(Debug, Default, PartialEq)]
pub(super) struct BouncerDump {
    pub products: Vec<Product>,
    /// Aliases, each with the name that it stands for.
    pub aliases: Vec<(String, String)>,
    /// Notes about rows that are not carried over, one line each.
    pub left: Vec<String>,
}

/// Reads a dump.
///
/// # Errors
/// Returns the problem, with the number of the statement.
pub(super) fn read(text: &str) -> Result<BouncerDump, String> {
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    let mut rows: HashMap<String, Vec<BouncerRow>> = HashMap::new();
    for (number, statement) in (1..).zip(statements(text)) {
        let tokens = tokens(statement).ok_or(format!("statement {number} is cut off"))?;
        let words: Vec<&str> = tokens.iter().take(3).map(BouncerToken::word).collect();
        match words[..] {
            ["create", "table", table] => {
                columns.insert(table.to_owned(), created(&tokens));
            }
            ["insert", "into", table] => {
                let known = columns.get(table).cloned().unwrap_or_default();
                let inserted = inserted(&tokens[3..], known);
                let inserted = inserted.ok_or(format!("statement {number} cannot be read"))?;
                rows.entry(table.to_owned()).or_default().extend(inserted);
            }
            _ => {}
        }
    }
    Ok(collect(&rows))
}

/// One word, mark or value of a statement.
#[derive(Debug, Clone, PartialEq)]
enum BouncerToken {
    /// A bare word, a number or a name in backticks; in lower case.
    Word(String),
    Text(String),
    Mark(char),
}

impl BouncerToken {
    fn word(&self) -> &str {
        match self {
            BouncerToken::Word(word) => word,
            _ => "",
        }
    }

    fn is(&self, mark: char) -> bool {
        *self == BouncerToken::Mark(mark)
    }
}

/// Splits at the semicolons outside of quotes, and leaves comments out.
fn statements(text: &str) -> Vec<&str> {
    let (mut found, mut from) = (Vec::new(), 0);
    let (mut quote, mut is_escaped) = (None, false);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(b'\'' | b'"') if byte == b'\\' => is_escaped = true,
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None if text[..at].ends_with('\n') | (at == 0) && bytes[at..].starts_with(b"--") => {
                let end = bytes[at..].iter().position(|byte| *byte == b'\n');
                at += end.unwrap_or(bytes.len() - at);
                if text[from..at].trim_start().starts_with("--") {
                    from = at;
                }
                continue;
            }
            None if matches!(byte, b'\'' | b'"' | b'`') => quote = Some(byte),
            None if byte == b';' => {
                found.push(&text[from..at]);
                from = at + 1;
            }
            None => {}
        }
        at += 1;
    }
    found.push(&text[from..]);
    found
}

/// The tokens of a statement; `None`: a quote has no end.
fn tokens(statement: &str) -> Option<Vec<BouncerToken>> {
    let mut tokens = Vec::new();
    let mut chars = statement.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            quote @ ('\'' | '"' | '`') => {
                let mut text = String::new();
                loop {
                    match chars.next()? {
                        '\\' if quote != '`' => text.push(match chars.next()? {
                            'n' => '\n',
                            't' => '\t',
                            other => other,
                        }),
                        end if end == quote && chars.peek() == Some(&quote) => {
                            chars.next();
                            text.push(quote);
                        }
                        end if end == quote => break,
                        other => text.push(other),
                    }
                }
                tokens.push(match quote {
                    '`' => BouncerToken::Word(text.to_lowercase()),
                    _ => BouncerToken::Text(text),
                });
            }
            mark @ ('(' | ')' | ',') => tokens.push(BouncerToken::Mark(mark)),
            space if space.is_whitespace() => {}
            other => {
                let mut word = other.to_lowercase().to_string();
                let is_end = |c: &char| c.is_whitespace() || "(),'\"`".contains(*c);
                while let Some(next) = chars.next_if(|next| !is_end(next)) {
                    word.extend(next.to_lowercase());
                }
                tokens.push(BouncerToken::Word(word));
            }
        }
    }
    Some(tokens)
}

/// The names of a new table's columns: the first word of each definition, but for keys.
fn created(tokens: &[BouncerToken]) -> Vec<String> {
    const KEYS: [&str; 7] = [
        "primary",
        "unique",
        "key",
        "constraint",
        "foreign",
        "fulltext",
        "index",
    ];
    let (mut columns, mut depth, mut begins) = (Vec::new(), 0, false);
    for token in tokens {
        match token {
            BouncerToken::Mark('(') => {
                depth += 1;
                begins = depth == 1;
                continue;
            }
            BouncerToken::Mark(')') => depth -= 1,
            BouncerToken::Mark(_) => {
                begins = depth == 1;
                continue;
            }
            BouncerToken::Word(word) if begins && depth == 1 && !KEYS.contains(&word.as_str()) => {
                columns.push(word.clone());
            }
            _ => {}
        }
        begins = false;
    }
    columns
}

/// The rows of an INSERT, behind the table's name; `None`: a row does not fit the columns.
fn inserted(tokens: &[BouncerToken], known: Vec<String>) -> Option<Vec<BouncerRow>> {
    let values = tokens.iter().position(|token| token.word() == "values")?;
    let named = tokens[..values].iter().map(BouncerToken::word);
    let named: Vec<String> = named
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let columns = if named.is_empty() { known } else { named };
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    for token in &tokens[values + 1..] {
        match token {
            _ if token.is('(') => row.clear(),
            _ if token.is(')') => {
                if row.len() != columns.len() {
                    return None;
                }
                let pairs = columns.iter().cloned().zip(row.drain(..));
                let pairs = pairs.filter_map(|(column, value)| Some((column, value?)));
                rows.push(pairs.collect());
            }
            BouncerToken::Word(word) if word == "null" => row.push(None),
            BouncerToken::Word(text) | BouncerToken::Text(text) => row.push(Some(text.clone())),
            BouncerToken::Mark(_) => {}
        }
    }
    Some(rows)
}

/// Makes products out of the rows; bouncer's paths are percent-encoded URLs below a mirror.
fn collect(rows: &HashMap<String, Vec<BouncerRow>>) -> BouncerDump {
    let of = |table: &str| rows.get(table).map_or(&[][..], Vec::as_slice);
    let value = |row: &BouncerRow, column: &str| row.get(column).cloned().unwrap_or_default();
    let mut dump = BouncerDump::default();
    let mut products: BTreeMap<String, Product> = BTreeMap::new();
    for row in of("mirror_products") {
        let product = Product {
            name: value(row, "name"),
            is_ssl_only: value(row, "ssl_only") == "1",
            ..Product::default()
        };
        products.insert(value(row, "id"), product);
    }
    for row in of("mirror_product_langs") {
        if let Some(product) = products.get_mut(&value(row, "product_id")) {
            product.languages.push(value(row, "language"));
        }
    }
    let systems: HashMap<String, String> = of("mirror_os")
        .iter()
        .map(|row| (value(row, "id"), value(row, "name")))
        .collect();
    for row in of("mirror_locations") {
        let os = systems.get(&value(row, "os_id"));
        let product = products.get_mut(&value(row, "product_id"));
        let path = percent_decoded(&value(row, "path"));
        match os.zip(product) {
            Some((os, product)) => product.locations.push((os.to_lowercase(), path)),
            None => dump.left.push(format!(
                "location {path}: its product or system is not there"
            )),
        }
    }
    for row in of("mirror_aliases") {
        dump.aliases
            .push((value(row, "alias"), value(row, "related_product")));
    }
    for (table, what) in [
        ("mirror_mirrors", "mirrors; add them by `heliostat new`"),
        ("geoip_regions", "regions"),
        ("sentry_log", "checks"),
        ("mirror_lmm_lang_exceptions", "exceptions of languages"),
    ] {
        let count = of(table).len();
        if count > 0 {
            dump.left.push(format!("{count} rows of {table}: {what}"));
        }
    }
    dump.products = products.into_values().map(sorted).collect();
    dump
}

fn percent_decoded(path: &str) -> String {
    let decoded = percent_decode(path.as_bytes());
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    decoded.trim_start_matches('/').to_owned()
}

fn sorted(mut product: Product) -> Product {
    product.languages.sort_unstable();
    product.locations.sort_unstable();
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "\
-- MySQL dump; with a quote ' in it
DROP TABLE IF EXISTS `mirror_products`;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `mirror_products` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL DEFAULT '',
  `priority` int(11) DEFAULT NULL,
  `ssl_only` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB;
INSERT INTO `mirror_products` VALUES (1,'Lantern-9.1',NULL,0),(2,'It''s; \\'a\\'',1,1);
INSERT INTO `mirror_os` (`id`, `name`) VALUES (7,'OSX');
INSERT INTO `mirror_product_langs` (`product_id`,`language`) VALUES (1,'fr'),(1,'de');
INSERT INTO `mirror_locations` (`id`,`product_id`,`os_id`,`path`) VALUES
 (1,1,7,'/lantern/9.1/mac/:lang/Lantern%209.1.dmg'),(2,9,7,'/x');
INSERT INTO `mirror_aliases` (`id`,`alias`,`related_product`) VALUES (1,'latest','Lantern-9.1');
INSERT INTO `mirror_mirrors` (`id`,`name`) VALUES (1,'m'),(2,'n');
";

    #[test]
    fn a_dump_gives_products_and_says_what_it_leaves() {
        let dump = read(DUMP).expect("a dump");
        let first = Product {
            name: "Lantern-9.1".to_owned(),
            is_ssl_only: false,
            languages: vec!["de".to_owned(), "fr".to_owned()],
            locations: vec![(
                "osx".to_owned(),
                "lantern/9.1/mac/:lang/Lantern 9.1.dmg".to_owned(),
            )],
        };
        assert_eq!(dump.products[0], first);
        assert_eq!(dump.products[1].name, "It's; 'a'");
        assert!(dump.products[1].is_ssl_only);
        assert_eq!(
            dump.aliases,
            [("latest".to_owned(), "Lantern-9.1".to_owned())]
        );
        let left = [
            "location x: its product or system is not there",
            "2 rows of mirror_mirrors: mirrors; add them by `heliostat new`",
        ];
        assert_eq!(dump.left, left);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (text, expected) in [
            ("INSERT INTO `a` VALUES ('x", "statement 1 is cut off"),
            (
                "SELECT 1; INSERT INTO `a` (`b`) VALUES (1,2)",
                "statement 2 cannot be read",
            ),
        ] {
            assert_eq!(read(text).expect_err("an error"), expected);
        }
        assert_eq!(read(""), Ok(BouncerDump::default()));
    }
}
