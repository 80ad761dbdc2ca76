//! Mirrors: a folder each, offered by a real rsync daemon and by Apache.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::port::{answers, free_port};
use super::process::Process;
use super::site::eventually;

/// The facts that `heliostat new` is told.
#[derive(Clone, Copy)]
pub struct MirrorFacts {
    /// Its name.
    pub name: &'static str,
    /// Country code.
    pub country: &'static str,
    /// Continent code.
    pub region: &'static str,
    /// Further arguments.
    pub more: &'static [&'static str],
}

/// A mirror of the stage.
pub struct Mirror {
    /// The facts about it.
    pub facts: MirrorFacts,
    /// Where its files are.
    pub folder: PathBuf,
    /// Where its files are offered over HTTP.
    pub http_port: u16,
}

impl Mirror {
    /// A mirror without files.
    pub fn new(stage_folder: &Path, facts: MirrorFacts) -> Mirror {
        let folder = stage_folder.join("mirrors").join(facts.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Mirror {
            facts,
            folder,
            http_port: free_port(),
        }
    }

    /// The command line of `heliostat` that makes it known.
    pub fn arguments(&self, rsync_port: u16) -> Vec<String> {
        let name = self.facts.name;
        let mut arguments = vec![
            "new".to_owned(),
            name.to_owned(),
            "-H".to_owned(),
            format!("http://127.0.0.1:{}/", self.http_port),
            "-R".to_owned(),
            format!("rsync://127.0.0.1:{rsync_port}/{name}/"),
        ];
        for (option, value) in [("-c", self.facts.country), ("-r", self.facts.region)] {
            if !value.is_empty() {
                arguments.extend([option.to_owned(), value.to_owned()]);
            }
        }
        arguments.extend(
            self.facts
                .more
                .iter()
                .map(|argument| (*argument).to_owned()),
        );
        arguments
    }

    /// Makes it the same as the tree, with all times, as mirrors do.
    pub fn sync(&self, tree: &Path) {
        let from = format!("{}/", tree.display());
        let mut command = Command::new("rsync");
        command.args(["-a", "--delete"]).arg(from).arg(&self.folder);
        let status = command
            .status()
            .expect("rsync is installed; `scripts/test` does it");
        assert!(status.success(), "rsync: {status}");
    }
}

/// Starts a daemon with a module for each mirror.
pub fn start_rsyncd(folder: &Path, port: u16, mirrors: &[Mirror]) -> Process {
    let mut text = format!(
        "port = {port}\naddress = 127.0.0.1\nuse chroot = no\nread only = yes\n\
         log file = {}/rsyncd.log\n",
        folder.display()
    );
    if rustix::process::geteuid().is_root() {
        text.push_str("uid = root\ngid = root\n");
    }
    for mirror in mirrors {
        let _ = writeln!(
            text,
            "[{}]\npath = {}",
            mirror.facts.name,
            mirror.folder.display()
        );
    }
    let conf = folder.join("rsyncd.conf");
    std::fs::write(&conf, text).expect("a configuration");
    let mut command = Command::new("rsync");
    command
        .args(["--daemon", "--no-detach", "--config"])
        .arg(&conf);
    let process = Process::start("rsync", &mut command);
    eventually("the rsync daemon answers", || answers(port));
    process
}
