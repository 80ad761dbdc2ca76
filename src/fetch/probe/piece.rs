//! Fetches a part of a file by GET, as clients do, and compares its bytes with ours.
//!
//! # Limits
//! Never reads more bytes than the part has.

use reqwest::Method;
use sha1::{Digest, Sha1};

use super::answer::{Judgement, judge_range};
use super::failure::Failure;
use super::http::{HttpCheck, head_of};
use super::target::{FilePiece, ProbeFile};
use crate::domain::escape::hex_into;

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(2 * bytes.len());
    hex_into(&mut out, bytes);
    String::from_utf8_lossy(&out).into_owned()
}

impl HttpCheck<'_> {
    /// Asks for a part of a file. An answer is right if it tells the right size, and if its bytes
    /// have the digest, where there is one.
    pub(super) async fn get_piece(
        &mut self,
        file: &ProbeFile,
        piece: &FilePiece,
    ) -> Result<(), Failure> {
        let url = self.target.url_of(Some(file));
        let range = (piece.begin, piece.last());
        let mut response = self.send(Method::GET, &url, Some(range)).await?;
        let head = head_of(&response);
        match judge_range(head, file) {
            Judgement::Right => {}
            Judgement::NoSize => return Err(Failure::NoSize { path: file.shown() }),
            Judgement::Wrong(failure) => return Err(failure),
        }
        let Some(sha1) = &piece.sha1 else {
            return Ok(());
        };
        let asked = format!("bytes {}-{}/", range.0, range.1);
        let is_the_part = match head.status {
            206 => head.range.starts_with(&asked),
            // Without ranges, the file comes from its beginning.
            _ => head.status == 200 && piece.begin == 0,
        };
        if !is_the_part {
            return Err(Failure::NoRange { path: file.shown() });
        }
        let (mut left, mut hash) = (piece.bytes as usize, Sha1::new());
        let timeout_s = self.timeout.as_secs();
        while left > 0
            && let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| Failure::of_client(error, timeout_s))?
        {
            let part = &chunk[..chunk.len().min(left)];
            hash.update(part);
            left -= part.len();
        }
        if left > 0 {
            let said = "it ended early".to_owned();
            return Err(Failure::Broken { said });
        }
        let found = hash.finalize();
        if found.as_slice() == sha1.as_slice() {
            return Ok(());
        }
        Err(Failure::WrongPiece {
            path: file.shown(),
            begin: range.0,
            last: range.1,
            expected: hex(sha1),
            found: hex(&found),
        })
    }
}
