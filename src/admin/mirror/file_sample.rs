//! Asks mirrors for a file, as `file ls --probe` and `--md5` do.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use md5::{Digest, Md5};

use crate::admin::error::AdminError;
use crate::admin::session::Session;
use crate::domain::escape::hex_into;
use crate::domain::url::without_login;
use crate::fetch::{
    Addresses, FetchError, HttpClient, HttpOptions, HttpRequest, HttpUrl, OwnPorts, Patience,
};

/// Mirrors that are asked at a time.
const JOBS: usize = 16;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// How long one file may take to come.
const FILE_TIME_MAX: Duration = Duration::from_secs(6 * 3600);

/// A mirror that is asked for a file.
#[derive(Debug, Clone)]
pub struct FileQuestion {
    /// Base URL of the mirror.
    pub base_url: String,
    /// Path of the file.
    pub path: Vec<u8>,
}

/// A mirror's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSample {
    /// Status of the answer; one for a part of the file counts as one for all of it.
    pub status: Option<u16>,
    /// Digest of what came, in hexadecimal.
    pub md5: Option<String>,
    /// Why there is no answer, or no digest.
    pub problem: Option<String>,
}

/// Asks several at a time; the answers come in the order of the questions.
///
/// # Errors
/// Returns [`AdminError::Fetch`] if the client cannot be set up.
pub fn ask(
    session: &Session,
    questions: &[FileQuestion],
    wants_md5: bool,
) -> Result<Vec<FileSample>, AdminError> {
    let client = HttpClient::new(session.site.probe.timeout, &Addresses::default())?;
    let stop = AtomicBool::new(false);
    let patience = Patience::new(session.site.probe.timeout, FILE_TIME_MAX, &stop);
    let bar = session
        .progress
        .bar("file", "mirrors", Some(questions.len() as u64));
    let left: Mutex<VecDeque<usize>> = Mutex::new((0..questions.len()).collect());
    let samples = Mutex::new(vec![FileSample::default(); questions.len()]);
    std::thread::scope(|scope| {
        for _ in 0..JOBS.min(questions.len()) {
            scope.spawn(|| {
                loop {
                    let next = left
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some(place) = next else { break };
                    let sample = sample(&client, patience.anew(), &questions[place], wants_md5);
                    samples.lock().unwrap_or_else(PoisonError::into_inner)[place] = sample;
                    bar.add(1);
                }
            });
        }
    });
    Ok(samples.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn sample(
    client: &HttpClient,
    patience: Patience<'_>,
    question: &FileQuestion,
    wants_md5: bool,
) -> FileSample {
    let mut sample = FileSample::default();
    let base_url = without_login(&question.base_url);
    let result = HttpUrl::parse(&base_url)
        .map_err(|error| error.to_string())
        .and_then(|base| {
            let own_ports = OwnPorts::of([base_url.as_str()]);
            let session = client.session(HttpOptions {
                patience,
                own_ports,
            });
            let request = HttpRequest {
                byte: (!wants_md5).then_some(0),
                is_whole: wants_md5,
                once: true,
                ..HttpRequest::default()
            };
            let answer = session.get(&base.file(&question.path), request, &|_| true);
            let mut answer = answer.map_err(in_words)?;
            // A file that is empty has no first byte.
            sample.status = Some(match answer.status {
                206 | 416 => 200,
                status => status,
            });
            if wants_md5 && answer.status == 200 {
                let digest = digest(&mut answer.body);
                sample.md5 = Some(digest.map_err(|error| error.to_string())?);
            }
            Ok(())
        });
    sample.problem = result.err();
    sample
}

fn in_words(error: FetchError) -> String {
    crate::program::exit::chain(&error)
}

fn digest(body: &mut impl Read) -> std::io::Result<String> {
    let mut md5 = Md5::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = body.read(&mut piece)?;
        if count == 0 {
            break;
        }
        md5.update(&piece[..count]);
    }
    let mut hex = Vec::new();
    hex_into(&mut hex, &md5.finalize());
    Ok(String::from_utf8_lossy(&hex).into_owned())
}
