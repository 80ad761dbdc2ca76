//! Checks whether a mirror can deliver large files over HTTP.
//!
//! Old servers count bytes in 31 or 32 bits: they list an image of 5 GiB and deliver its first
//! gigabyte, or an error. So a few large files are asked for one byte behind each limit. What the
//! mirror cannot deliver is not counted as its own.

use roaring::RoaringBitmap;

use super::known::{KnownTree, LARGE_BYTES, LargeFile};
use crate::fetch::{FetchError, HttpRequest, HttpSession, HttpUrl};

/// Places behind which a server with 31 or 32 bits cannot go.
const LIMITS_BYTES: [u64; 2] = [LARGE_BYTES, 1 << 32];

/// Files that are asked for at each limit; one may be broken by itself.
const FILES_A_LIMIT: usize = 2;

/// What a mirror cannot deliver.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UndeliverableFiles {
    /// Ids of its files beyond the limit.
    pub ids: RoaringBitmap,
    /// The limit and what the server said; empty: it delivers all.
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
        unless: None,
        byte: Some(byte),
        once: false,
    };
    // Clients follow redirects too, wherever they lead.
    let answer = session.get(&base.file(&file.path), request, &|_| true)?;
    let total = answer.content_range.rsplit('/').next().unwrap_or_default();
    let wrong = |what: &str| {
        let path = file.path.escape_ascii();
        Byte::Refused(format!("{path} has {} bytes, it says {what}", file.size))
    };
    Ok(match answer.status {
        206 if total == "*" || total.parse() == Ok(file.size) => Byte::Delivered,
        206 => wrong(&answer.content_range),
        // A server without ranges sends all of it; its length says whether it could.
        200 => match answer.length {
            Some(length) if length == file.size => Byte::Delivered,
            Some(length) => wrong(&format!("{length}")),
            None => Byte::Unclear,
        },
        416 => wrong("status 416"),
        _ => Byte::Unclear,
    })
}
