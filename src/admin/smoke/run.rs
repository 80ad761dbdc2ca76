//! Runs `smoke`: round after round, mirrors in parallel.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::args::SmokeArgs;
use super::download::{DownloadRules, download_all};
use super::plan::{DownloadPlan, PlannedDownload, requests};
use super::report::{SmokeReport, SmokeRunPart};
use super::report_text;
use super::result::SmokeResult;
use super::truth::{ExpectedFile, FileTruth};
use super::verdict::{SmokeGrade, SmokeOutcome, SmokeVerdict};
use crate::admin::console::Console;
use crate::admin::error::{AdminError, ArgumentError};
use crate::admin::session::Session;
use crate::db::mirror;
use crate::domain::time::Timestamp;
use crate::fetch::{Addresses, AskClient, HttpClient, HttpUrl};
use crate::program::clock::now;
use crate::program::exit::Exit;
use crate::program::progress::Progress;
use crate::program::replacement::replace_file;
use crate::program::signal::stop_flag;
use crate::system::host_name;

/// The longest silence of a mirror or of the host, unless a site sets another.
const SILENCE: Duration = Duration::from_secs(20);

/// Bytes of a list of paths or of a report that are read: a million paths.
const INPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How often a pause looks whether it is over.
const STOP_CHECK: Duration = Duration::from_millis(200);

/// Mode of the report: it has neither passwords nor addresses of clients.
const REPORT_MODE: u32 = 0o644;

/// The values that all rounds of a run share.
struct SmokeRun<'a> {
    args: &'a SmokeArgs,
    /// The virtual host, without a slash at its end.
    base: String,
    own: HttpUrl,
    ask: &'a AskClient,
    client: HttpClient,
    silence: Duration,
    stop: Arc<AtomicBool>,
    progress: &'a Progress,
    truth: FileTruth<'a>,
    /// Names of the database's mirrors by host and port.
    known: BTreeMap<String, String>,
    until: Option<Timestamp>,
}

/// Downloads files of the site's catalogue.
///
/// # Errors
/// Returns [`AdminError`] if the database cannot be read or the host cannot be asked.
pub fn smoke_site(session: &mut Session, args: &SmokeArgs) -> Result<Exit, AdminError> {
    let mirrors = mirror::all(&session.reader()?)?;
    let mut known = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for mirror in mirrors {
        let urls = std::iter::once(&mirror.base_url).chain(&mirror.further_base_urls);
        for url in urls.filter_map(|url| HttpUrl::parse(url).ok()) {
            known.insert(url.host_and_port(), mirror.identifier.clone());
        }
        if mirror.enabled && mirror.alive {
            wanted.insert(mirror.identifier);
        }
    }
    let silence = session.site.probe.timeout;
    let ask = AskClient::new(args.jobs as usize, silence)?;
    let report = {
        let truth = FileTruth::Catalogue(session);
        let run = SmokeRun::new(args, &ask, truth, &session.progress, (known, silence))?;
        run.run(wanted)?
    };
    finish(&mut session.console, args, report)
}

/// Downloads listed files, or adds reports up, without a configuration.
///
/// # Errors
/// Returns [`AdminError`] if a file cannot be read or the host cannot be asked.
pub fn smoke_alone(args: &SmokeArgs, progress: &Progress) -> Result<Exit, AdminError> {
    let mut console = Console::new();
    let report = match &args.list {
        None => SmokeReport::new(),
        Some(list) => {
            let text = read_input(list)?;
            let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let paths = lines.map(|line| line.strip_prefix(b"/").unwrap_or(line));
            let paths: Vec<Vec<u8>> = paths
                .filter(|path| !path.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            let ask = AskClient::new(args.jobs as usize, SILENCE)?;
            let base = base(args)?;
            let truth = FileTruth::Documents {
                paths,
                client: &ask,
                base,
            };
            let known = (BTreeMap::new(), SILENCE);
            SmokeRun::new(args, &ask, truth, progress, known)?.run(BTreeSet::new())?
        }
    };
    let exit = finish(&mut console, args, report)?;
    console.flush()?;
    Ok(exit)
}

/// Adds the reports of `--merge`, writes the whole, and says how the program ends.
fn finish(
    console: &mut Console,
    args: &SmokeArgs,
    mut report: SmokeReport,
) -> Result<Exit, AdminError> {
    for file in &args.merge {
        let wrong = |problem| AdminError::InputFile {
            file: file.clone(),
            problem,
        };
        let other = SmokeReport::read(&read_input(file)?).map_err(wrong)?;
        report.merge(other).map_err(wrong)?;
    }
    write_json(args, &report)?;
    match args.json.as_deref() {
        Some(path) if path == Path::new("-") => console.line(report.to_json())?,
        _ => report_text::write(&report, console.out())?,
    }
    Ok(match report.grade() {
        SmokeGrade::Well => Exit::Ok,
        SmokeGrade::Unknown | SmokeGrade::Bad => Exit::Partial,
    })
}

/// Writes the file of `--json`, whole or not at all.
fn write_json(args: &SmokeArgs, report: &SmokeReport) -> Result<(), AdminError> {
    let file = args.json.as_deref().filter(|path| *path != Path::new("-"));
    let Some(path) = file else { return Ok(()) };
    let text = report.to_json() + "\n";
    replace_file(path, text.as_bytes(), REPORT_MODE).map_err(|source| AdminError::File {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

fn read_input(path: &Path) -> Result<Vec<u8>, AdminError> {
    let wrong = |problem: String| AdminError::InputFile {
        file: path.to_owned(),
        problem,
    };
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin()
            .take(INPUT_BYTES_MAX + 1)
            .read_to_end(&mut bytes),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| wrong(format!("it cannot be read ({error})")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(wrong(format!(
            "it has more than {INPUT_BYTES_MAX} bytes; name a part of it"
        )));
    }
    Ok(bytes)
}

/// The URL without a slash at its end.
fn base(args: &SmokeArgs) -> Result<String, AdminError> {
    let url = args.url.as_deref().unwrap_or_default();
    match HttpUrl::parse(url) {
        Ok(_) => Ok(url.trim().trim_end_matches('/').to_owned()),
        Err(_) => Err(AdminError::Value {
            key: "URL".to_owned(),
            problem: ArgumentError::NoHttpUrl(url.to_owned()),
        }),
    }
}

impl<'a> SmokeRun<'a> {
    fn new(
        args: &'a SmokeArgs,
        ask: &'a AskClient,
        truth: FileTruth<'a>,
        progress: &'a Progress,
        (known, silence): (BTreeMap<String, String>, Duration),
    ) -> Result<SmokeRun<'a>, AdminError> {
        let base = base(args)?;
        let own = HttpUrl::of_file(&base).map_err(|_| AdminError::Value {
            key: "URL".to_owned(),
            problem: ArgumentError::NoHttpUrl(base.clone()),
        })?;
        let lasts = args
            .lasts
            .map(|lasts| i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX));
        let for_so_long = lasts.map(|seconds| Timestamp(now().0.saturating_add(seconds)));
        Ok(SmokeRun {
            args,
            base,
            own,
            ask,
            client: HttpClient::new(silence, &Addresses::default())?,
            silence,
            stop: stop_flag()?,
            progress,
            truth,
            known,
            until: for_so_long.or(args.until.map(|until| until.after(now()))),
        })
    }

    /// Runs all rounds.
    fn run(&self, wanted: BTreeSet<String>) -> Result<SmokeReport, AdminError> {
        let seed = self.args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
        let mut random = Rng::with_seed(seed);
        let began = now();
        let mut report = SmokeReport::new();
        report.missed = wanted;
        report.runs.push(SmokeRunPart {
            // Two runs of one machine in one second differ by their processes.
            id: format!("{}-{}-{}", host_name(), began.0, std::process::id()),
            machine: host_name(),
            url: self.base.clone(),
            seed,
            began: began.to_string(),
            ..SmokeRunPart::default()
        });
        loop {
            let next = Instant::now() + self.args.every;
            self.round(&mut report, &mut random)?;
            if let Some(run) = report.runs.first_mut() {
                run.rounds += 1;
                run.ended = now().to_string();
            }
            report.forget_met();
            if self.until.is_some() {
                write_json(self.args, &report)?;
            }
            if !self.pause_until(next) {
                return Ok(report);
            }
        }
    }

    /// Waits for the next round. Returns whether there is one.
    fn pause_until(&self, next: Instant) -> bool {
        let Some(until) = self.until else {
            return false;
        };
        loop {
            if self.stop.load(Ordering::Relaxed) || now() >= until {
                return false;
            }
            if Instant::now() >= next {
                return true;
            }
            std::thread::sleep(STOP_CHECK);
        }
    }

    fn round(&self, report: &mut SmokeReport, random: &mut Rng) -> Result<(), AdminError> {
        let files = self.truth.sample(self.args.files as usize, random)?;
        if files.is_empty() {
            let why = "there is no file to ask for; run `heliostat index`, or list paths";
            return Err(AdminError::Nothing(why.to_owned()));
        }
        let requests = requests(&self.base, &files, &self.args.places, random);
        let bar = self
            .progress
            .bar("host", "requests", Some(requests.len() as u64));
        let asked: Vec<_> = requests.iter().map(|request| request.ask.clone()).collect();
        let answers = self.ask.ask(&asked, || bar.add(1));
        drop(bar);
        let mut plan = DownloadPlan::default();
        for (request, answer) in requests.iter().zip(answers) {
            plan.read(&self.own, request, &files[request.file], answer);
        }
        if plan.answered == 0 {
            // A later round may fail with the network of this machine; the report stays.
            let why = plan.problem.unwrap_or_default();
            let is_first = report.mirrors.is_empty();
            report.add(&plan.results);
            return match is_first {
                true => Err(AdminError::Nothing(format!(
                    "{} cannot be asked: {why}",
                    self.base
                ))),
                false => Ok(()),
            };
        }
        if let Some(run) = report.runs.first_mut() {
            run.files += files.len() as u64;
            run.requests += requests.len() as u64;
            run.redirects += plan.redirects;
        }
        let mut results = plan.results;
        results.extend(self.download(plan.downloads, &files));
        self.forgive_changes(&files, &mut results)?;
        report.add(&results);
        Ok(())
    }

    /// Asks the mirrors, several at a time, each by one connection.
    fn download(
        &self,
        downloads: BTreeMap<String, Vec<PlannedDownload>>,
        files: &[ExpectedFile],
    ) -> Vec<SmokeResult> {
        let count: usize = downloads.values().map(Vec::len).sum();
        let bar = self.progress.bar("smoke", "downloads", Some(count as u64));
        let left_s = self
            .until
            .map(|until| u64::try_from(until.0 - now().0).unwrap_or(0));
        let time_left = left_s.map_or(Duration::MAX, |left| Duration::from_secs(left.max(1)));
        let rules = DownloadRules {
            client: &self.client,
            stop: &self.stop,
            own: &self.own,
            bytes_max: self.args.bytes_per_mirror,
            time_max: self.args.time_per_mirror.min(time_left),
            silence: self.silence,
        };
        let mirrors = downloads.len();
        let queue: Mutex<VecDeque<_>> = Mutex::new(downloads.into_iter().collect());
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..mirrors.min(self.args.jobs as usize) {
                scope.spawn(|| {
                    loop {
                        let next = queue
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .pop_front();
                        let Some((host, planned)) = next else { break };
                        let known = self.known.get(&host).map(String::as_str);
                        let done = || bar.add(1);
                        let found = download_all(&rules, (&host, known), planned, files, done);
                        results
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .extend(found);
                    }
                });
            }
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the verdict on files that have another version by now: such a download proves
    /// nothing.
    fn forgive_changes(
        &self,
        files: &[ExpectedFile],
        results: &mut [SmokeResult],
    ) -> Result<(), AdminError> {
        let is_doubted = |result: &&mut SmokeResult| result.verdict.outcome.is_about_content();
        let doubted: BTreeSet<String> = results
            .iter_mut()
            .filter(is_doubted)
            .map(|result| result.file.clone())
            .collect();
        if doubted.is_empty() {
            return Ok(());
        }
        let now = self.truth.look(doubted.into_iter().collect())?;
        for result in results.iter_mut().filter(is_doubted) {
            let before = files.iter().find(|file| file.target == result.file);
            if before != now.get(&result.file) {
                let detail = "the file has changed meanwhile; nothing is proven";
                result.verdict = SmokeVerdict::new(SmokeOutcome::Changed, detail);
            }
        }
        Ok(())
    }
}
