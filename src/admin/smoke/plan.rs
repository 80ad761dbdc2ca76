//! Makes the requests to the virtual host, and from its answers the list of downloads.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::args::ClientPlace;
use super::metalink;
use super::result::{SmokeManner, SmokeResult};
use super::truth::{ExpectedFile, METALINK_BYTES_MAX};
use super::verdict::{SmokeOutcome, SmokeVerdict};
use crate::fetch::{AskAnswer, AskRequest, HttpUrl};

/// Bytes of a range where no piece is known. An error page is shorter.
const RANGE_BYTES: u64 = 64 * 1024;

/// A request to the virtual host.
pub(super) struct SmokeRequest {
    /// Index of the file.
    pub file: usize,
    pub manner: SmokeManner,
    /// Empty: this machine.
    pub place: String,
    pub range: Option<(u64, u64)>,
    pub ask: AskRequest,
}

/// A download from a mirror, or from the virtual host itself.
#[derive(Debug, Clone)]
pub(super) struct PlannedDownload {
    pub url: HttpUrl,
    /// Index of the file.
    pub file: usize,
    pub manner: SmokeManner,
    pub place: String,
    pub range: Option<(u64, u64)>,
    pub name: Option<String>,
    pub is_own: bool,
}

/// The downloads that follow from the answers of the virtual host.
#[derive(Default)]
pub(super) struct DownloadPlan {
    /// By host and port.
    pub downloads: BTreeMap<String, Vec<PlannedDownload>>,
    /// About the virtual host itself.
    pub results: Vec<SmokeResult>,
    pub redirects: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Why one was not.
    pub problem: Option<String>,
    /// Downloads that are planned already: host, file, whether a part of it.
    planned: BTreeSet<(String, usize, bool)>,
}

/// Makes the requests for files from places: each file as a whole, as a range, and as a metalink.
pub(super) fn requests(
    base: &str,
    files: &[ExpectedFile],
    places: &[ClientPlace],
    random: &mut Rng,
) -> Vec<SmokeRequest> {
    let mut requests = Vec::new();
    let here = places.is_empty().then_some(None);
    let places: Vec<Option<&ClientPlace>> =
        here.into_iter().chain(places.iter().map(Some)).collect();
    for (index, file) in files.iter().enumerate() {
        for place in &places {
            for manner in SmokeManner::ALL {
                let range = match manner {
                    SmokeManner::Range => some_range(file, random),
                    _ => None,
                };
                // A file without bytes has no range.
                if manner == SmokeManner::Range && range.is_none() {
                    continue;
                }
                requests.push(SmokeRequest {
                    file: index,
                    manner,
                    place: place.map(ToString::to_string).unwrap_or_default(),
                    range,
                    ask: ask(base, &file.target, manner, *place, range),
                });
            }
        }
    }
    requests
}

fn ask(
    base: &str,
    target: &str,
    manner: SmokeManner,
    place: Option<&ClientPlace>,
    range: Option<(u64, u64)>,
) -> AskRequest {
    let is_metalink = manner == SmokeManner::Metalink;
    let end = if is_metalink { ".meta4" } else { "" };
    let mut fields = Vec::new();
    let query = match place {
        Some(ClientPlace::Country(country)) => format!("?country={country}"),
        Some(ClientPlace::Asn(asn)) => format!("?as={}", asn.number()),
        Some(ClientPlace::Address(ip)) => {
            fields.push(("X-Forwarded-For", ip.to_string()));
            String::new()
        }
        None => String::new(),
    };
    fields.extend(range.map(|(first, last)| ("Range", format!("bytes={first}-{last}"))));
    AskRequest {
        url: format!("{base}{target}{end}{query}"),
        is_head: false,
        fields,
        body_bytes_max: if is_metalink { METALINK_BYTES_MAX } else { 0 },
    }
}

/// Chooses a range of a file: one of its pieces if they are known, else its first bytes. Absent if
/// the file is empty.
pub(super) fn some_range(file: &ExpectedFile, random: &mut Rng) -> Option<(u64, u64)> {
    let size = file.size.unwrap_or(RANGE_BYTES);
    let length = file.pieces.as_ref().map(|(length, _)| *length);
    let pieces = length.map_or(1, |length| size.div_ceil(length)).max(1);
    let length = length.unwrap_or(RANGE_BYTES);
    let first = random.u64(..pieces) * length;
    let end = (first + length).min(size);
    (first < end).then(|| (first, end - 1))
}

impl DownloadPlan {
    /// Reads the answer to a request.
    pub(super) fn read(
        &mut self,
        own: &HttpUrl,
        request: &SmokeRequest,
        file: &ExpectedFile,
        answer: Result<AskAnswer, String>,
    ) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.problem = Some(why.clone());
                let verdict = SmokeVerdict::new(SmokeOutcome::Unknown, why);
                self.results.push(of_host(own, request, file, verdict));
                return;
            }
        };
        self.answered += 1;
        if request.manner == SmokeManner::Metalink {
            return self.read_metalink(own, request, file, &answer);
        }
        match answer.status {
            301 | 302 | 303 | 307 | 308 => {
                let asked = HttpUrl::of_file(&request.ask.url).ok();
                let to = asked.and_then(|asked| asked.join(&answer.text("location")));
                let Some(url) = to else {
                    let detail = "it redirects to what is no URL of a web server";
                    let verdict = SmokeVerdict::new(SmokeOutcome::Redirect, detail);
                    self.results.push(of_host(own, request, file, verdict));
                    return;
                };
                self.redirects += 1;
                let name = answer.text("x-mirrorbrain-mirror");
                self.plan(
                    own,
                    request,
                    url,
                    Some(name).filter(|name| !name.is_empty()),
                );
            }
            status => match SmokeVerdict::of_status(status) {
                Some(verdict) => self.results.push(of_host(own, request, file, verdict)),
                None => {
                    if let Ok(url) = HttpUrl::of_file(&request.ask.url) {
                        self.plan(own, request, url, None);
                    }
                }
            },
        }
    }

    fn read_metalink(
        &mut self,
        own: &HttpUrl,
        request: &SmokeRequest,
        file: &ExpectedFile,
        answer: &AskAnswer,
    ) {
        let facts = metalink::read(&answer.body).filter(|_| answer.status == 200);
        let verdict = match &facts {
            None if answer.status == 200 => {
                SmokeVerdict::new(SmokeOutcome::Unknown, "its metalink is not whole")
            }
            None if answer.status == 404 => {
                SmokeVerdict::new(SmokeOutcome::NoMetalink, "it has no metalink")
            }
            None => SmokeVerdict::of_status(answer.status).unwrap_or_else(|| {
                let detail = format!("it answers {} for a metalink", answer.status);
                SmokeVerdict::new(SmokeOutcome::Unknown, detail)
            }),
            Some(facts) => match (facts.size, file.size) {
                (Some(told), Some(expected)) if told != expected => {
                    let detail = format!("its metalink says {told} bytes, not {expected}");
                    SmokeVerdict::new(SmokeOutcome::WrongSize, detail)
                }
                _ => SmokeVerdict::new(SmokeOutcome::Ok, ""),
            },
        };
        self.results.push(of_host(own, request, file, verdict));
        for url in facts.into_iter().flat_map(|facts| facts.urls) {
            // Mirrors over FTP and rsync are listed, too.
            if let Ok(url) = HttpUrl::of_file(&url) {
                self.plan(own, request, url, None);
            }
        }
    }

    /// Plans a download, unless the same one is planned already: two ways may lead to one URL.
    fn plan(&mut self, own: &HttpUrl, request: &SmokeRequest, url: HttpUrl, name: Option<String>) {
        let host = url.host_and_port();
        let origin = format!("{} {host}", url.is_https());
        let is_part = request.range.is_some();
        if !self.planned.insert((origin, request.file, is_part)) {
            return;
        }
        let is_own = host == own.host_and_port();
        self.downloads
            .entry(host)
            .or_default()
            .push(PlannedDownload {
                url,
                file: request.file,
                manner: request.manner,
                place: request.place.clone(),
                range: request.range,
                name,
                is_own,
            });
    }
}

fn of_host(
    own: &HttpUrl,
    request: &SmokeRequest,
    file: &ExpectedFile,
    verdict: SmokeVerdict,
) -> SmokeResult {
    SmokeResult {
        host: own.host_and_port(),
        name: None,
        is_own: true,
        file: file.target.clone(),
        manner: request.manner,
        place: request.place.clone(),
        verdict,
        bytes: 0,
        took_ms: 0,
        has_digest: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, pieces: Option<u64>) -> ExpectedFile {
        ExpectedFile {
            target: "/a".to_owned(),
            size: Some(size),
            pieces: pieces.map(|length| (length, Vec::new())),
            ..ExpectedFile::default()
        }
    }

    #[test]
    fn ranges_are_pieces_within_the_file() {
        let mut random = Rng::with_seed(7);
        for _ in 0..100 {
            let (first, last) = some_range(&file(10, Some(4)), &mut random).expect("a range");
            assert!(
                first % 4 == 0 && last == (first + 3).min(9),
                "{first}-{last}"
            );
        }
        assert_eq!(some_range(&file(10, None), &mut random), Some((0, 9)));
        let first = Some((0, RANGE_BYTES - 1));
        assert_eq!(some_range(&file(1 << 30, None), &mut random), first);
        assert_eq!(some_range(&file(0, None), &mut random), None);
    }

    #[test]
    fn each_place_asks_in_each_manner() {
        let places = [
            ClientPlace::Country("de".to_owned()),
            ClientPlace::Address("192.0.2.7".parse().expect("an address")),
        ];
        let mut random = Rng::with_seed(7);
        let files = [file(10, None), file(0, None)];
        let all = requests("http://h", &files, &places, &mut random);
        let shown: Vec<String> = all
            .iter()
            .map(|request| format!("{} {:?}", request.ask.url, request.ask.fields))
            .collect();
        assert_eq!(
            shown[0],
            "http://h/a?country=de [(\"Range\", \"bytes=0-9\")]"
        );
        assert_eq!(shown[2], "http://h/a.meta4?country=de []");
        assert_eq!(
            shown[4],
            "http://h/a [(\"X-Forwarded-For\", \"192.0.2.7\")]"
        );
        assert_eq!(all.len(), 10, "an empty file has no range");
        assert_eq!(requests("http://h", &files, &[], &mut random).len(), 5);
    }
}
