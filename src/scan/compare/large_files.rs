//! Checks whether a mirror can deliver large files over HTTP.
//!
//! Old servers count bytes in 31 or 32 bits: they list an image of 5 GiB, and deliver its first
//! gigabyte or an error. So the scan asks a few large files for one byte behind each limit. A file
//! that the mirror cannot deliver does not count as one of its files.

use roaring::RoaringBitmap;

use super::known::{KnownTree, LARGE_BYTES, LargeFile};
use crate::fetch::{FetchError, HttpRequest, HttpSession, HttpUrl};

/// Offsets that a server with 31 or 32 bits cannot reach.
const LIMITS_BYTES: [u64; 2] = [LARGE_BYTES, 1 << 32];

/// Number of files per limit, because a single file may be broken.
const FILES_A_LIMIT: usize = 2;

/// The files that a mirror cannot deliver.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UndeliverableFiles {
    /// Ids of the mirror's files beyond the limit.
    pub ids: RoaringBitmap,
    /// The limit and the server's answer; empty: the mirror delivers all files.
    pub reason: String,
}

enum Byte {
    Delivered,
    Refused(String),
    Unclear,
}

/// Asks for one byte behind each limit in some of the mirror's files.
///
/// # Errors
/// Returns [`FetchError::Stopped`] or [`FetchError::TooLong`] if the scan has to end. Any other
/// failure says nothing about large files, and is no error.
pub fn check(
    session: &HttpSession<'_>,
    base: &HttpUrl,
    known: &KnownTree,
    current: &RoaringBitmap,
) -> Result<UndeliverableFiles, FetchError> {
    for limit in LIMITS_BYTES {
        let beyond = |file: &&LargeFile| file.size > limit && current.contains(file.id.0);
        let files = known.large.iter().filter(beyond);
        let mut refusal = None;
        for file in files.clone().take(FILES_A_LIMIT) {
            let answer = match ask(session, base, file, limit) {
                Ok(answer) => answer,
                Err(error @ (FetchError::Stopped | FetchError::TooLong { .. })) => {
                    return Err(error);
                }
                Err(error) => {
                    log::debug!("large file url={base} error={error}");
                    return Ok(UndeliverableFiles::default());
                }
            };
            match answer {
                Byte::Delivered => {
                    refusal = None;
                    break;
                }
                Byte::Refused(said) => refusal = Some(said),
                Byte::Unclear => {}
            }
        }
        if let Some(said) = refusal {
            return Ok(UndeliverableFiles {
                ids: files.map(|file| file.id.0).collect(),
                reason: format!("it delivers nothing beyond {} GiB ({said})", limit >> 30),
            });
        }
    }
    Ok(UndeliverableFiles::default())
}

fn ask(
    session: &HttpSession<'_>,
    base: &HttpUrl,
    file: &LargeFile,
    byte: u64,
) -> Result<Byte, FetchError> {
    let request = HttpRequest {
        byte: Some(byte),
        ..HttpRequest::default()
    };
    // Clients follow redirects to anywhere, so this request does too.
    let answer = session.get(&base.file(&file.path), request, &|_| true)?;
    let total = answer.content_range.rsplit('/').next().unwrap_or_default();
    let wrong = |what: &str| {
        let path = file.path.escape_ascii();
        Byte::Refused(format!("{path} has {} bytes, it says {what}", file.size))
    };
    Ok(match answer.status {
        206 if total == "*" || total.parse() == Ok(file.size) => Byte::Delivered,
        206 => wrong(&answer.content_range),
        // A server without ranges sends the whole file; its length says whether the server can.
        200 => match answer.length {
            Some(length) if length == file.size => Byte::Delivered,
            Some(length) => wrong(&format!("{length}")),
            None => Byte::Unclear,
        },
        416 => wrong("status 416"),
        _ => Byte::Unclear,
    })
}
