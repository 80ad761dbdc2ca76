//! Splits a statement into words, literals, numbers and symbols.

use super::statement::dollar_tag;

/// One element of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A keyword or an unquoted name, as written.
    Word(&'a [u8]),
    /// A quoted name, decoded.
    Name(Vec<u8>),
    /// A string literal, decoded.
    Literal(Vec<u8>),
    /// An unsigned number, as written.
    Number(&'a [u8]),
    /// Anything else, one byte.
    Symbol(u8),
}

impl Token<'_> {
    /// Whether it is that keyword, without regard to case.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }
}

/// The tokens of a statement, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a [u8],
    standard_strings: bool,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a [u8], standard_strings: bool) -> Tokens<'a> {
        Tokens {
            rest: text,
            standard_strings,
        }
    }

    /// The next token without taking it.
    pub(crate) fn peek(&self) -> Option<Token<'a>> {
        self.clone().next()
    }

    /// Takes the next token if it is that keyword.
    pub(crate) fn take_word(&mut self, keyword: &str) -> bool {
        let mut ahead = self.clone();
        let is = ahead.next().is_some_and(|token| token.is_word(keyword));
        if is {
            *self = ahead;
        }
        is
    }

    /// Takes the next token if it is that symbol.
    pub(crate) fn take_symbol(&mut self, symbol: u8) -> bool {
        let rest = self.rest.trim_ascii_start();
        let is = rest.first() == Some(&symbol);
        if is {
            self.rest = &rest[1..];
        }
        is
    }

    /// Takes a name: quoted as it is, else in lower case as PostgreSQL folds it.
    pub(crate) fn take_name(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(word) => {
                Some(String::from_utf8_lossy(&word.to_ascii_lowercase()).into_owned())
            }
            Token::Name(name) => Some(String::from_utf8_lossy(&name).into_owned()),
            _ => None,
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (token, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        token
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|&&byte| belongs(byte)).count();
        self.take(length)
    }

    /// Decodes what stands between quotes; the opening one has been taken.
    fn quoted(&mut self, quote: u8, escapes: bool) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let plain = self
                .rest
                .iter()
                .position(|&byte| byte == quote || (escapes && byte == b'\\'))
                .unwrap_or(self.rest.len());
            out.extend_from_slice(self.take(plain));
            match self.rest {
                [first, second, ..] if *first == quote && *second == quote => {
                    out.push(quote);
                    self.take(2);
                }
                [b'\\', ..] if escapes => self.escape(&mut out),
                _ => {
                    self.take(1);
                    return out;
                }
            }
        }
    }

    /// One backslash escape of an `E'…'` literal.
    fn escape(&mut self, out: &mut Vec<u8>) {
        self.take(1);
        let Some(&first) = self.take(1).first() else {
            return;
        };
        match first {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'0'..=b'7' => {
                let more = self.rest.iter().take(2);
                let more = more
                    .take_while(|byte| (b'0'..=b'7').contains(*byte))
                    .count();
                let digits = self.take(more);
                let value = digits.iter().fold(u32::from(first - b'0'), |value, digit| {
                    value * 8 + u32::from(digit - b'0')
                });
                out.push((value & 0xff) as u8);
            }
            b'x' if self.rest.first().is_some_and(u8::is_ascii_hexdigit) => {
                let count = self
                    .rest
                    .iter()
                    .take(2)
                    .take_while(|byte| byte.is_ascii_hexdigit());
                let count = count.count();
                let digits = self.take(count).iter();
                let value = digits.fold(0, |value, &digit| {
                    value * 16 + char::from(digit).to_digit(16).unwrap_or(0)
                });
                out.push(value as u8);
            }
            other => out.push(other),
        }
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.take_while(|byte| byte.is_ascii_whitespace());
        match self.rest {
            [] => None,
            [b'\'', ..] => {
                self.take(1);
                let escapes = !self.standard_strings;
                Some(Token::Literal(self.quoted(b'\'', escapes)))
            }
            [b'e' | b'E', b'\'', ..] => {
                self.take(2);
                Some(Token::Literal(self.quoted(b'\'', true)))
            }
            [b'$', ..] if dollar_tag(&[], self.rest).is_some() => {
                let tag = dollar_tag(&[], self.rest).unwrap_or_default();
                self.take(tag.len());
                let mut ends = self.rest.windows(tag.len());
                let length = ends.position(|end| end == tag).unwrap_or(self.rest.len());
                let text = self.take(length).to_vec();
                self.take(tag.len());
                Some(Token::Literal(text))
            }
            [b'"', ..] => {
                self.take(1);
                Some(Token::Name(self.quoted(b'"', false)))
            }
            [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => Some(Token::Number(self.number())),
            [first, ..] if is_word_start(*first) => {
                Some(Token::Word(self.take_while(|byte| {
                    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
                })))
            }
            [first, ..] => {
                self.take(1);
                Some(Token::Symbol(*first))
            }
        }
    }
}

impl<'a> Tokens<'a> {
    fn number(&mut self) -> &'a [u8] {
        let is_part = |byte: u8| byte.is_ascii_digit() || byte == b'.';
        let mut length = self.rest.iter().take_while(|&&byte| is_part(byte)).count();
        if let [b'e' | b'E', after @ ..] = &self.rest[length..] {
            let sign = usize::from(matches!(after.first(), Some(b'+' | b'-')));
            let digits = after[sign..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit());
            let digits = digits.count();
            if digits > 0 {
                length += 1 + sign + digits;
            }
        }
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_of_every_kind_are_read() {
        let literal = |text: &[u8]| Token::Literal(text.to_vec());
        let tokens: Vec<Token<'_>> = Tokens::new(
            b"INSERT into \"Odd \"\"n\" (a_1) VALUES (-1.5e+3, 'it''s\n', \
              E'\\\\x\\101\\n\\x41', 'a\\b')",
            true,
        )
        .collect();
        let expected = [
            Token::Word(b"INSERT"),
            Token::Word(b"into"),
            Token::Name(b"Odd \"n".to_vec()),
            Token::Symbol(b'('),
            Token::Word(b"a_1"),
            Token::Symbol(b')'),
            Token::Word(b"VALUES"),
            Token::Symbol(b'('),
            Token::Symbol(b'-'),
            Token::Number(b"1.5e+3"),
            Token::Symbol(b','),
            literal(b"it's\n"),
            Token::Symbol(b','),
            literal(b"\\xA\nA"),
            Token::Symbol(b','),
            literal(b"a\\b"),
            Token::Symbol(b')'),
        ];
        assert_eq!(tokens, expected);
        let old: Vec<Token<'_>> = Tokens::new(b"'a\\\\b'", false).collect();
        assert_eq!(old, [literal(b"a\\b")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_tokens(text in prop::collection::vec(prop_oneof![
            Just(b'\''), Just(b'\\'), Just(b'E'), Just(b'x'), Just(b'7'), Just(b'.'), Just(b'"'),
            any::<u8>()], 0..60), standard in any::<bool>()) {
            let count = Tokens::new(&text, standard).count();
            prop_assert!(count <= text.len());
        }
    }
}
