//! Compares the bytes of a piece of a file on a mirror with ours.
//!
//! A mirror is blamed only if it sends other bytes twice, over two connections, and the piece of
//! our own file still has its digest.
//!
//! # Limits
//! A piece of at most [`PIECE_BYTES_MAX`] per `piece_interval_s`, and [`DAY_BYTES_MAX`] per mirror
//! and day.

use std::os::unix::fs::FileExt;
use std::sync::atomic::AtomicBool;

use sha1::{Digest, Sha1};

use super::judge::judge;
use super::report::{PieceFound, PieceOutcome};
use super::run::{ACTOR, request_scan};
use crate::db::follow::contradiction::{self, Contradiction};
use crate::db::follow::piece::{self, FetchedPiece, PieceChecks};
use crate::db::mirror::{self, MirrorRecord};
use crate::db::open::{Queryable, Reader, Transaction};
use crate::db::{DbError, catalogue, content, event, hash};
use crate::domain::file::{FileId, FileVersion};
use crate::domain::follow::result::FollowResult;
use crate::domain::mirror::MirrorKind;
use crate::domain::order::ShortList;
use crate::domain::time::Timestamp;
use crate::domain::url::{BaseUrl, Scheme};
use crate::fetch::OwnPorts;
use crate::fetch::probe::{Failure, FilePiece, ProbeFile, ProbeFinding, ProbeTarget};
use crate::probe::error::ProbeError;
use crate::probe::plan::urls_of;
use crate::probe::prober::Prober;
use crate::program::clock::now;
use crate::tree::Root;

/// Files with larger pieces are not compared.
const PIECE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Bytes that are fetched from a mirror per day.
const DAY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Files of a mirror among which one with digests of pieces is looked for.
const FILES_DRAWN: u32 = 64;

/// Mirrors that are tried until one has a file with digests.
const MIRRORS_TRIED_MAX: usize = 3;

/// Bytes of a SHA-1 digest.
const SHA1_BYTES: usize = 20;

/// A piece that is to be compared.
struct WantedPiece {
    mirror: MirrorRecord,
    path: Vec<u8>,
    file: FileId,
    version: FileVersion,
    piece: FilePiece,
}

impl Prober {
    /// Compares a piece of the mirror that waits for it longest, if that is due.
    pub(super) fn compare_piece(
        &mut self,
        reader: &Reader,
        stop: &AtomicBool,
    ) -> Result<Option<PieceOutcome>, ProbeError> {
        let interval_s = self.site.probe.piece_interval_s;
        let checks = piece::all(reader)?;
        let last = checks.values().map(|checks| checks.checked_at.0).max();
        let is_due = last.is_none_or(|at| now().0 - at >= interval_s);
        if interval_s == 0 || !is_due {
            return Ok(None);
        }
        let none = PieceChecks {
            since: Timestamp(0),
            checked_at: Timestamp(0),
            good: 0,
            wrong: 0,
            bytes: 0,
        };
        let of = |mirror: &MirrorRecord| checks.get(&mirror.id).copied().unwrap_or(none);
        let mut mirrors = mirror::all(reader)?;
        mirrors.retain(|mirror| {
            let is_used = mirror.enabled && mirror.alive && mirror.kind == MirrorKind::Mirror;
            is_used && of(mirror).bytes_on_day_of(now()) + PIECE_BYTES_MAX <= DAY_BYTES_MAX
        });
        self.random.shuffle(&mut mirrors);
        mirrors.order_by_key(|mirror| of(mirror).checked_at);
        for mirror in mirrors.into_iter().take(MIRRORS_TRIED_MAX) {
            if let Some(wanted) = draw(reader, mirror, &mut self.random)? {
                return Ok(Some(self.compare(&wanted, stop)?));
            }
        }
        Ok(None)
    }

    fn compare(
        &mut self,
        wanted: &WantedPiece,
        stop: &AtomicBool,
    ) -> Result<PieceOutcome, ProbeError> {
        let Some(target) = wanted.target() else {
            return Ok(wanted.outcome(PieceFound::Nothing("it has no web URL".to_owned())));
        };
        let mut fetched = 0;
        let (mut found, mut evidence) = (None, String::new());
        // The second look has a connection of its own.
        for _ in 0..2 {
            let findings = self.find(std::slice::from_ref(&target), stop)?;
            found = findings.into_values().next();
            fetched += wanted.piece.bytes;
            let judged = found.as_ref().and_then(|finding| judge(finding, None));
            match judged {
                Some((FollowResult::Content, shown)) => evidence = shown,
                Some((FollowResult::Right, _)) => {
                    return self.store(wanted, PieceFound::Same, fetched, "");
                }
                _ => {
                    let why = found.as_ref().and_then(failure_of);
                    let why = why.map_or_else(|| "no answer".to_owned(), ToString::to_string);
                    return self.store(wanted, PieceFound::Nothing(why), fetched, "");
                }
            }
        }
        let said = found.as_ref().and_then(failure_of);
        let said = said.map_or_else(String::new, ToString::to_string);
        let found = match self.own_piece(wanted) {
            Some(true) => PieceFound::Other(format!("{said}; {evidence}")),
            Some(false) => PieceFound::Ours,
            None => PieceFound::Nothing("our own file cannot be read here".to_owned()),
        };
        self.store(wanted, found, fetched, &evidence)
    }

    /// Whether the piece of our own file has its digest. Absent if it cannot be read in the version
    /// of the catalogue.
    fn own_piece(&self, wanted: &WantedPiece) -> Option<bool> {
        let root = Root::open(&self.site.tree).ok()?;
        let open = root.open_file(&wanted.path).ok()?;
        if open.version() != wanted.version {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(wanted.piece.bytes).ok()?];
        open.file
            .read_exact_at(&mut bytes, wanted.piece.begin)
            .ok()?;
        let is_same = open.is_same().ok()?;
        let digest = Sha1::digest(&bytes);
        is_same.then(|| wanted.piece.sha1.as_deref() == Some(digest.as_slice()))
    }

    fn store(
        &mut self,
        wanted: &WantedPiece,
        found: PieceFound,
        bytes: u64,
        evidence: &str,
    ) -> Result<PieceOutcome, ProbeError> {
        let outcome = wanted.outcome(found);
        let Some(writer) = &mut self.writer else {
            return Ok(outcome);
        };
        let now = now();
        let fetched = FetchedPiece {
            mirror: wanted.mirror.id,
            is_good: match outcome.found {
                PieceFound::Same => Some(true),
                PieceFound::Other(_) => Some(false),
                PieceFound::Ours | PieceFound::Nothing(_) => None,
            },
            bytes,
        };
        writer.transaction(|transaction| {
            piece::add(transaction, fetched, now)?;
            match &outcome.found {
                PieceFound::Other(_) => blame(transaction, (wanted, &outcome), evidence, now),
                PieceFound::Ours => event::record(transaction, now, ACTOR, None, &outcome.text()),
                PieceFound::Same | PieceFound::Nothing(_) => Ok(()),
            }
        })?;
        Ok(outcome)
    }
}

/// Masks the pair at once, because both looks were wrong.
fn blame(
    transaction: &Transaction<'_>,
    (wanted, outcome): (&WantedPiece, &PieceOutcome),
    evidence: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let pair = Contradiction {
        mirror: wanted.mirror.id,
        file: wanted.file,
        seen_at: now,
        confirmed_at: Some(now),
        result: FollowResult::Content.as_str().to_owned(),
        evidence: evidence.to_owned(),
    };
    contradiction::store(transaction, &pair)?;
    let mirror = Some(wanted.mirror.id);
    event::record(transaction, now, ACTOR, mirror, &outcome.text())?;
    request_scan(transaction, wanted.mirror.id, now).map(|_| ())
}

/// The failure of a finding, if it has one.
fn failure_of(finding: &ProbeFinding) -> Option<&Failure> {
    match finding {
        ProbeFinding::NoAddress(failure, _) => Some(failure),
        ProbeFinding::Checked(checks) => {
            let mut failures = checks
                .iter()
                .filter_map(|(_, check)| check.result.as_ref().err());
            failures.find(|failure| !failure.is_ours())
        }
    }
}

impl WantedPiece {
    fn target(&self) -> Option<ProbeTarget> {
        let (urls, _) = urls_of(&self.mirror);
        let own_ports = OwnPorts::of(urls.iter().map(BaseUrl::as_str));
        let is_web = |url: &BaseUrl| matches!(url.scheme(), Scheme::Http | Scheme::Https);
        let url = urls.into_iter().find(is_web)?;
        let file = ProbeFile::new(self.path.clone(), Some(self.version), None);
        Some(ProbeTarget {
            own_ports,
            ..ProbeTarget::new(url, vec![file.in_part(self.piece.clone())])
        })
    }

    fn outcome(&self, found: PieceFound) -> PieceOutcome {
        PieceOutcome {
            mirror: self.mirror.identifier.clone(),
            path: ProbeFile::new(self.path.clone(), None, None).shown(),
            found,
        }
    }
}

/// Draws a piece of a file that the mirror should have. Absent if no drawn file has digests.
fn draw(
    database: &impl Queryable,
    mirror: MirrorRecord,
    random: &mut fastrand::Rng,
) -> Result<Option<WantedPiece>, DbError> {
    let current = content::current(database, mirror.id)?;
    let count = u32::try_from(current.len()).unwrap_or(u32::MAX);
    // If there are few, each is taken once.
    let ids = match count <= FILES_DRAWN {
        true => current,
        false => (0..FILES_DRAWN)
            .filter_map(|_| current.select(random.u32(0..count)))
            .collect(),
    };
    let mut files = Vec::new();
    catalogue::for_each_of(database, &ids, |path, file| {
        files.push((path.to_vec(), file));
    })?;
    random.shuffle(&mut files);
    for (path, file) in files {
        let Some(version) = file.version else {
            continue;
        };
        let record = hash::find_record(database, file.id, version)?;
        let Some(record) = record else { continue };
        let size = u64::try_from(record.piece_size).unwrap_or(0);
        let digests = record.sha1_pieces;
        let digests = digests.unwrap_or_default();
        let pieces = digests.len() / SHA1_BYTES;
        if pieces == 0 || size == 0 || size > PIECE_BYTES_MAX {
            continue;
        }
        let number = random.usize(..pieces);
        let begin = number as u64 * size;
        let bytes = size.min(version.size.saturating_sub(begin));
        let sha1 = digests.chunks_exact(SHA1_BYTES).nth(number);
        let (Some(sha1), true) = (sha1, bytes > 0) else {
            continue;
        };
        return Ok(Some(WantedPiece {
            path,
            file: file.id,
            version,
            piece: FilePiece {
                begin,
                bytes,
                sha1: Some(sha1.to_vec()),
            },
            mirror,
        }));
    }
    Ok(None)
}
