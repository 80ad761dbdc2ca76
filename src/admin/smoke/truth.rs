//! Knows what each file has to be: from the database, or from the host's own documents.

use std::collections::BTreeMap;

use fastrand::Rng;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::metalink::{self, bytes_of_hex};
use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::db::{Reader, catalogue, hash};
use crate::domain::escape::url_path_into;
use crate::domain::file::CatalogueFile;
use crate::domain::hash::Digests;
use crate::fetch::{AskAnswer, AskClient, AskRequest};

/// Bytes of a metalink that are read: it has 60 per piece, and an image 20,000 pieces.
pub(super) const METALINK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of a document with one digest that are read.
const DIGEST_BYTES_MAX: usize = 4096;

/// A file as it has to be; a fact that is not known is not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExpectedFile {
    /// Its URL below the host, encoded, with a slash before it.
    pub target: String,
    pub size: Option<u64>,
    pub digest: Option<FileDigest>,
    /// Bytes per piece, and SHA-1 of each, concatenated.
    pub pieces: Option<(u64, Vec<u8>)>,
}

/// The best digest of a file that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileDigest {
    Sha256(Vec<u8>),
    Sha1(Vec<u8>),
    Md5(Vec<u8>),
}

/// A digest of bytes that come.
pub(super) enum DigestSum {
    Sha256(Sha256),
    Sha1(Sha1),
    Md5(Md5),
}

impl FileDigest {
    fn best_of(digests: &Digests) -> Option<FileDigest> {
        let sha256 = digests.sha256.clone().map(FileDigest::Sha256);
        let sha1 = || digests.sha1.clone().map(FileDigest::Sha1);
        let md5 = || digests.md5.clone().map(FileDigest::Md5);
        sha256.or_else(sha1).or_else(md5)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            FileDigest::Sha256(_) => "SHA-256",
            FileDigest::Sha1(_) => "SHA-1",
            FileDigest::Md5(_) => "MD5",
        }
    }

    pub(super) fn begin(&self) -> DigestSum {
        match self {
            FileDigest::Sha256(_) => DigestSum::Sha256(Sha256::new()),
            FileDigest::Sha1(_) => DigestSum::Sha1(Sha1::new()),
            FileDigest::Md5(_) => DigestSum::Md5(Md5::new()),
        }
    }

    /// Whether the digest of the bytes that came is that of the file.
    pub(super) fn is(&self, sum: DigestSum) -> bool {
        match (self, sum) {
            (FileDigest::Sha256(own), DigestSum::Sha256(sum)) => sum.finalize()[..] == own[..],
            (FileDigest::Sha1(own), DigestSum::Sha1(sum)) => sum.finalize()[..] == own[..],
            (FileDigest::Md5(own), DigestSum::Md5(sum)) => sum.finalize()[..] == own[..],
            _ => false,
        }
    }
}

impl DigestSum {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match self {
            DigestSum::Sha256(sum) => sum.update(bytes),
            DigestSum::Sha1(sum) => sum.update(bytes),
            DigestSum::Md5(sum) => sum.update(bytes),
        }
    }
}

impl ExpectedFile {
    /// Gives the SHA-1 of the piece that is exactly this range.
    pub(super) fn piece(&self, (first, last): (u64, u64)) -> Option<&[u8]> {
        let (length, sums) = self.pieces.as_ref()?;
        let end = (first + length).min(self.size?);
        let is_piece = first % length == 0 && last + 1 == end;
        let at = usize::try_from(first / length).ok()?.checked_mul(20)?;
        sums.get(at..at.checked_add(20)?).filter(|_| is_piece)
    }
}

/// The source of the truth about files.
pub(super) enum FileTruth<'a> {
    /// The site's database.
    Catalogue(&'a Session),
    /// Metalinks and digests of the host itself, about these paths.
    Documents {
        paths: Vec<Vec<u8>>,
        client: &'a AskClient,
        /// Without a slash at its end.
        base: String,
    },
}

impl FileTruth<'_> {
    /// Draws some files, each as likely.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the database cannot be read.
    pub(super) fn sample(
        &self,
        count: usize,
        random: &mut Rng,
    ) -> Result<Vec<ExpectedFile>, AdminError> {
        match self {
            FileTruth::Catalogue(session) => {
                let reader = session.reader()?;
                let mut drawn: Vec<(Vec<u8>, CatalogueFile)> = Vec::new();
                let mut seen = 0;
                catalogue::for_each(&reader, b"", |path, file| {
                    seen += 1;
                    if drawn.len() < count {
                        drawn.push((path.to_vec(), file));
                        return;
                    }
                    let place = random.usize(..seen);
                    if let Some(kept) = drawn.get_mut(place) {
                        *kept = (path.to_vec(), file);
                    }
                })?;
                let prefix = &session.site.url_path;
                let expected = |(path, file): (Vec<u8>, _)| of_row(&reader, prefix, &path, file);
                drawn.into_iter().map(expected).collect()
            }
            FileTruth::Documents { paths, .. } => {
                let mut all: Vec<&Vec<u8>> = paths.iter().collect();
                random.shuffle(&mut all);
                all.truncate(count);
                Ok(self.of_documents(all.into_iter().map(|path| target(b"", path)).collect()))
            }
        }
    }

    /// Looks these files up as they have to be now; leaves out those that are not known any more.
    ///
    /// # Errors
    /// Returns [`AdminError::Db`] if the database cannot be read.
    pub(super) fn look(
        &self,
        files: Vec<String>,
    ) -> Result<BTreeMap<String, ExpectedFile>, AdminError> {
        let found = match self {
            FileTruth::Catalogue(session) => {
                let reader = session.reader()?;
                let prefix = &session.site.url_path;
                let mut found = Vec::new();
                for file in files {
                    let below = target(prefix, b"");
                    let path = file.strip_prefix(&below).unwrap_or(&file);
                    let path = crate::domain::escape::percent_decode(path.as_bytes());
                    if let Some(row) = catalogue::find(&reader, &path)? {
                        found.push(of_row(&reader, prefix, &path, row)?);
                    }
                }
                found
            }
            FileTruth::Documents { .. } => self.of_documents(files),
        };
        let by_target = found.into_iter();
        Ok(by_target.map(|file| (file.target.clone(), file)).collect())
    }

    /// Reads the facts about files from the host's own documents.
    fn of_documents(&self, targets: Vec<String>) -> Vec<ExpectedFile> {
        let FileTruth::Documents { client, base, .. } = self else {
            return Vec::new();
        };
        let ask = |end: &str, body_bytes_max: usize| {
            let requests = targets.iter().map(|target| AskRequest {
                url: format!("{base}{target}{end}"),
                is_head: false,
                fields: Vec::new(),
                body_bytes_max,
            });
            client.ask(&requests.collect::<Vec<_>>(), || {})
        };
        let metalinks = ask(".meta4", METALINK_BYTES_MAX);
        let digests = ask(".sha256", DIGEST_BYTES_MAX);
        let both = targets.iter().zip(metalinks).zip(digests);
        both.map(|((target, metalink), digest)| {
            let body = |answer: Result<AskAnswer, String>| {
                answer.ok().filter(|answer| answer.status == 200)
            };
            let facts = body(metalink).and_then(|answer| metalink::read(&answer.body));
            let facts = facts.unwrap_or_default();
            let sha256 = body(digest).and_then(|answer| first_word_as_sha256(&answer.body));
            ExpectedFile {
                target: target.clone(),
                size: facts.size,
                digest: FileDigest::best_of(&facts.digests).or(sha256.map(FileDigest::Sha256)),
                pieces: facts.pieces,
            }
        })
        .collect()
    }
}

fn first_word_as_sha256(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let digest = bytes_of_hex(text.split_ascii_whitespace().next()?)?;
    (digest.len() == 32).then_some(digest)
}

/// Makes the URL of a path below the host, encoded.
fn target(prefix: &[u8], path: &[u8]) -> String {
    let mut out = Vec::with_capacity(prefix.len() + path.len() + 16);
    if !prefix.is_empty() {
        out.push(b'/');
        url_path_into(&mut out, prefix);
    }
    out.push(b'/');
    url_path_into(&mut out, path);
    String::from_utf8_lossy(&out).into_owned()
}

fn of_row(
    reader: &Reader,
    prefix: &[u8],
    path: &[u8],
    file: CatalogueFile,
) -> Result<ExpectedFile, AdminError> {
    let mut expected = ExpectedFile {
        target: target(prefix, path),
        ..ExpectedFile::default()
    };
    let Some(version) = file.version else {
        return Ok(expected);
    };
    expected.size = Some(version.size);
    if let Some(record) = hash::find_record(reader, file.id, version)? {
        expected.digest = FileDigest::best_of(&record.digests);
        let length = u64::try_from(record.piece_size)
            .ok()
            .filter(|size| *size > 0);
        expected.pieces = length.zip(record.sha1_pieces);
    }
    Ok(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_checked_where_it_is_one_piece() {
        let file = ExpectedFile {
            size: Some(10),
            pieces: Some((4, [[1; 20], [2; 20], [3; 20]].concat())),
            ..ExpectedFile::default()
        };
        for (range, expected) in [
            ((0, 3), Some(1)),
            ((4, 7), Some(2)),
            ((8, 9), Some(3)),
            ((8, 11), None),
            ((1, 4), None),
            ((0, 9), None),
            ((12, 15), None),
        ] {
            let found = file.piece(range).map(|sum| sum[0]);
            assert_eq!(found, expected, "{range:?}");
        }
    }

    #[test]
    fn targets_are_encoded() {
        assert_eq!(target(b"", b"a b/c"), "/a%20b/c");
        assert_eq!(target(b"pub", b"a"), "/pub/a");
    }
}
