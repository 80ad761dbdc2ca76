//! Reads the clauses of COPY, CREATE TABLE and INSERT.

use super::field::{COLUMNS_MAX, DumpFields};
use super::token::{Token, Tokens};

/// `(a, b, c)`, or nothing.
pub(crate) fn name_list(tokens: &mut Tokens<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if tokens.peek() != Some(Token::Symbol(b'(')) {
        return names;
    }
    while tokens.take_symbol(b'(') || tokens.take_symbol(b',') {
        match tokens.take_name() {
            Some(name) if names.len() < COLUMNS_MAX => names.push(name),
            _ => break,
        }
    }
    tokens.take_symbol(b')');
    names
}

/// The columns of a CREATE TABLE from its opening parenthesis on.
pub(crate) fn defined_columns(tokens: &mut Tokens<'_>) -> Vec<String> {
    const NO_COLUMN: [&str; 7] = [
        "constraint",
        "primary",
        "unique",
        "check",
        "foreign",
        "exclude",
        "like",
    ];
    let mut columns = Vec::new();
    let mut depth = 0_u32;
    let mut at_start = false;
    for token in tokens {
        match token {
            Token::Symbol(b'(') => {
                depth = depth.saturating_add(1);
                at_start = depth == 1;
                continue;
            }
            Token::Symbol(b')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            Token::Symbol(b',') if depth == 1 => {
                at_start = true;
                continue;
            }
            Token::Name(_) | Token::Word(_) if columns.len() >= COLUMNS_MAX => {}
            Token::Name(name) if at_start => {
                columns.push(String::from_utf8_lossy(&name).into_owned());
            }
            Token::Word(word) if at_start => {
                let word = String::from_utf8_lossy(&word.to_ascii_lowercase()).into_owned();
                if !NO_COLUMN.contains(&word.as_str()) {
                    columns.push(word);
                }
            }
            _ => {}
        }
        at_start = false;
    }
    columns
}

/// `CAST(…)` inside of one another; a program writes one.
const CASTS_MAX: u32 = 8;

/// Reads `(value, …)` into the fields.
///
/// # Errors
/// Returns the place of the first field that is no plain value.
pub(crate) fn values(tokens: &mut Tokens<'_>, fields: &mut DumpFields) -> Result<(), usize> {
    if !tokens.take_symbol(b'(') {
        return Err(0);
    }
    loop {
        let place = fields.len();
        if place >= COLUMNS_MAX || !value(tokens, fields, CASTS_MAX) {
            return Err(place);
        }
        if tokens.take_symbol(b')') {
            return Ok(());
        }
        if !tokens.take_symbol(b',') {
            return Err(place);
        }
    }
}

/// One value with its casts, of which `casts` more may be inside of one another.
fn value(tokens: &mut Tokens<'_>, fields: &mut DumpFields, casts: u32) -> bool {
    let negative = tokens.take_symbol(b'-');
    match tokens.next() {
        Some(Token::Number(text)) if negative => fields.push(Some(&[b"-", text].concat())),
        _ if negative => return false,
        Some(Token::Literal(text)) => fields.push(Some(&text)),
        Some(Token::Number(text)) => fields.push(Some(text)),
        Some(token) if token.is_word("NULL") || token.is_word("DEFAULT") => fields.push(None),
        Some(token) if token.is_word("ARRAY") => match array(tokens) {
            Some(text) => fields.push(Some(&text)),
            None => return false,
        },
        Some(token) if token.is_word("CAST") => {
            let is_whole = casts > 0
                && tokens.take_symbol(b'(')
                && value(tokens, fields, casts - 1)
                && tokens.take_word("AS")
                && type_name(tokens)
                && tokens.take_symbol(b')');
            if !is_whole {
                return false;
            }
        }
        // The database would have filled this value in.
        Some(token) if is_of_now(&token, tokens) => fields.push(None),
        Some(Token::Word(word)) if word.eq_ignore_ascii_case(b"true") => fields.push(Some(b"t")),
        Some(Token::Word(word)) if word.eq_ignore_ascii_case(b"false") => fields.push(Some(b"f")),
        _ => return false,
    }
    cast(tokens)
}

/// A cast such as `::bytea` adds nothing; `false` when it is broken off.
fn cast(tokens: &mut Tokens<'_>) -> bool {
    while tokens.take_symbol(b':') {
        if !tokens.take_symbol(b':') || !type_name(tokens) {
            return false;
        }
    }
    true
}

/// `smallint[]`, `pg_catalog.int4`, `character varying(64)`; `false` when it is broken off.
fn type_name(tokens: &mut Tokens<'_>) -> bool {
    if tokens.take_name().is_none() {
        return false;
    }
    while tokens.take_symbol(b'.') {
        if tokens.take_name().is_none() {
            return false;
        }
    }
    let goes_on = |token: &Token<'_>| matches!(token, Token::Word(_)) && !token.is_word("AS");
    while tokens.peek().as_ref().is_some_and(goes_on) {
        tokens.next();
    }
    for (open, close) in [(b'(', b')'), (b'[', b']')] {
        if tokens.take_symbol(open) {
            while !tokens.take_symbol(close) {
                if tokens.next().is_none() {
                    return false;
                }
            }
        }
    }
    true
}

/// `now()`, `CURRENT_TIMESTAMP`, `nextval('…')`.
fn is_of_now(token: &Token<'_>, tokens: &mut Tokens<'_>) -> bool {
    if token.is_word("CURRENT_TIMESTAMP") {
        return true;
    }
    if !token.is_word("now") && !token.is_word("nextval") || !tokens.take_symbol(b'(') {
        return false;
    }
    if !tokens.take_symbol(b')') {
        return matches!(tokens.next(), Some(Token::Literal(_)))
            && cast(tokens)
            && tokens.take_symbol(b')');
    }
    true
}

/// `[1, 2]` behind `ARRAY`, as PostgreSQL's text `{1,2}`.
fn array(tokens: &mut Tokens<'_>) -> Option<Vec<u8>> {
    let mut text = b"{".to_vec();
    if !tokens.take_symbol(b'[') {
        return None;
    }
    while !tokens.take_symbol(b']') {
        if text.len() > 1 {
            if !tokens.take_symbol(b',') {
                return None;
            }
            text.push(b',');
        }
        match tokens.next()? {
            Token::Number(number) => text.extend_from_slice(number),
            Token::Literal(literal) => text.extend_from_slice(&literal),
            token if token.is_word("NULL") => text.extend_from_slice(b"NULL"),
            _ => return None,
        }
    }
    text.push(b'}');
    Some(text)
}
