//! Our answers to every recording of a folder.

use std::path::{Path, PathBuf};

use super::apache::{Host, import};
use super::judge::Case;
use super::recording::{Message, recordings};
use super::sample::{Sample, file_of};

/// The folder of recordings.
pub fn oracle() -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recorded");
    std::env::var_os("HELIOSTAT_ORACLE").map_or(fixtures, PathBuf::from)
}

pub fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value == "1")
}

/// The cases of a folder with our answers, and the host that gave them.
pub fn answered(oracle: &Path) -> (Vec<(Case, Message)>, Sample, Host) {
    let recordings = recordings(oracle);
    let mut sample = Sample::build(oracle, &recordings);
    let dump = file_of(oracle, "mirrorbrain-dump.sql");
    import(&sample, &dump, is_set("HELIOSTAT_INDEXED"));
    let mut host = Host::start(&sample);
    host.wait_for_documents(&recordings);
    let cases = recordings
        .into_iter()
        .map(|recording| {
            let answer = host.send(&recording);
            let asked = sample.asked(&recording);
            (Case { recording, asked }, answer)
        })
        .collect();
    (cases, sample, host)
}
