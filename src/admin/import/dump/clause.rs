//! Clauses of COPY, CREATE TABLE and INSERT.

use super::field::Fields;
use super::token::{Token, Tokens};

/// `(a, b, c)`, or nothing.
pub(crate) fn name_list(tokens: &mut Tokens<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if tokens.peek() != Some(Token::Symbol(b'(')) {
        return names;
    }
    while tokens.take_symbol(b'(') || tokens.take_symbol(b',') {
        match tokens.take_name() {
            Some(name) => names.push(name),
            None => break,
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

/// Reads `(value, …)` into the fields; `false` when it is anything else.
pub(crate) fn values(tokens: &mut Tokens<'_>, fields: &mut Fields) -> bool {
    if !tokens.take_symbol(b'(') {
        return false;
    }
    loop {
        let negative = tokens.take_symbol(b'-');
        match tokens.next() {
            Some(Token::Literal(text)) if !negative => fields.push(Some(&text)),
            Some(Token::Number(text)) if negative => fields.push(Some(&[b"-", text].concat())),
            Some(Token::Number(text)) => fields.push(Some(text)),
            Some(token) if token.is_word("NULL") || token.is_word("DEFAULT") => fields.push(None),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case(b"true") => {
                fields.push(Some(b"t"))
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case(b"false") => {
                fields.push(Some(b"f"));
            }
            _ => return false,
        }
        // A cast such as ::bytea adds nothing.
        while tokens.take_symbol(b':') {
            if !tokens.take_symbol(b':') || tokens.take_name().is_none() {
                return false;
            }
        }
        if tokens.take_symbol(b')') {
            return true;
        }
        if !tokens.take_symbol(b',') {
            return false;
        }
    }
}
