//! Writes a response as CGI header fields and a body.

use crate::domain::escape::{decimal_into, header_into};

/// Writes one response into a buffer: status, fields, body, in this order.
#[derive(Debug)]
pub struct Response<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Response<'a> {
    /// Begins a response with the status line.
    pub fn new(out: &'a mut Vec<u8>, status: &str) -> Response<'a> {
        out.extend_from_slice(b"Status: ");
        out.extend_from_slice(status.as_bytes());
        out.extend_from_slice(b"\r\n");
        Response { out }
    }

    /// Begins a group of fields that [`Response::fields`] adds to a response later.
    pub fn part(out: &'a mut Vec<u8>) -> Response<'a> {
        Response { out }
    }

    /// Adds the fields of a [`Response::part`].
    pub fn fields(&mut self, part: &[u8]) -> &mut Self {
        self.out.extend_from_slice(part);
        self
    }

    /// Adds a field, without bytes that could end it.
    pub fn field(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        header_into(self.out, value);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a field with a word of our own, which has no control characters.
    pub fn word(&mut self, name: &'static str, word: &'static str) -> &mut Self {
        self.field_with(name, |out| out.extend_from_slice(word.as_bytes()))
    }

    /// Adds a field whose value `write` appends; the value must have no control characters.
    pub fn field_with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        write(self.out);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a field unless the response would become longer than `bytes_max`; returns whether it
    /// was added.
    pub fn field_within(
        &mut self,
        bytes_max: usize,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let before = self.out.len();
        self.field_with(name, write);
        let fits = self.out.len() <= bytes_max;
        if !fits {
            self.out.truncate(before);
        }
        fits
    }

    /// Ends the fields, without a body.
    pub fn end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// Ends the fields with type and length of a body that is not sent (HEAD).
    pub fn head(&mut self, content_type: &str, length: u64) {
        self.field("Content-Type", content_type.as_bytes());
        self.field_with("Content-Length", |out| decimal_into(out, length));
        self.end();
    }

    /// Ends the fields and appends a body with its length and type.
    pub fn body(&mut self, content_type: &str, body: &[u8]) {
        self.head(content_type, body.len() as u64);
        self.out.extend_from_slice(body);
    }

    /// The same for a short body that `write` appends.
    pub fn body_with(&mut self, content_type: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.word("Content-Type", content_type);
        self.out.extend_from_slice(b"Content-Length: ");
        let length_at = self.out.len();
        self.out.extend_from_slice(b"\r\n\r\n");
        let begin = self.out.len();
        write(self.out);
        let end = self.out.len();
        decimal_into(self.out, (end - begin) as u64);
        // The length is known only now, and goes to its place.
        let digits = self.out.len() - end;
        self.out[length_at..].rotate_right(digits);
    }
}
