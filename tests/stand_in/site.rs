//! A site of its own for each test: tree, database and configuration in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use super::folder::temporary_folder;

/// Tree, database and configuration; all are removed with it.
pub struct TestSite {
    folder: tempfile::TempDir,
}

/// Documents of a file: suffixes of its URL, and queries.
pub const DOCUMENTS: [&str; 11] = [
    "meta4",
    "metalink",
    "mirrorlist",
    "torrent",
    "zsync",
    "magnet",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "btih",
];

/// How long [`eventually`] waits; generous, because the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(120);

impl TestSite {
    /// An empty tree and a configuration with the defaults.
    pub fn new() -> TestSite {
        TestSite::with_config("")
    }

    /// An empty tree; `more` is appended to `[site.test]`.
    pub fn with_config(more: &str) -> TestSite {
        let folder = temporary_folder();
        std::fs::create_dir(folder.path().join("tree")).expect("the tree");
        let config = format!(
            "[fcgi]\nlisten = \"{folder}/fcgi.sock\"\nlisten_mode = \"0666\"\npoll_ms = 50\n\
             [site.test]\ntree = \"tree\"\ndatabase = \"test.sqlite\"\n{more}\n",
            folder = folder.path().display()
        );
        std::fs::write(folder.path().join("heliostat.toml"), config).expect("the configuration");
        TestSite { folder }
    }

    /// A path in the site's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The tree.
    pub fn tree(&self) -> PathBuf {
        self.path("tree")
    }

    /// The mirror database.
    pub fn database(&self) -> PathBuf {
        self.path("test.sqlite")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("heliostat.toml")
    }

    /// A shell script in the site's folder that can be started as a program.
    pub fn script(&self, name: &str, script: &str) -> PathBuf {
        let (text, program) = (self.path(&format!("{name}.text")), self.path(name));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).expect("a script");
        install(&text, &program);
        program
    }

    /// Writes a file of the tree with its directories; `mtime` in seconds since 1970.
    pub fn write(&self, path: impl AsRef<Path>, content: &[u8], mtime: u64) {
        let file = self.tree().join(path);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
        std::fs::write(&file, content).expect("a file");
        set_mtime(&file, mtime);
    }

    /// One of our programs with this site's configuration.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program_path(program));
        command
            .env("HELIOSTAT_CONFIG", self.config())
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG");
        command
    }

    /// Runs one of our programs to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program)
            .args(arguments)
            .output()
            .expect("the program starts")
    }

    /// Runs a program that must succeed; returns its standard output.
    pub fn run_ok(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.run(program, arguments);
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Path of one of our programs.
pub fn program_path(program: &str) -> &'static str {
    match program {
        "heliostat" => env!("CARGO_BIN_EXE_heliostat"),
        "heliostat-fcgi" => env!("CARGO_BIN_EXE_heliostat-fcgi"),
        "heliostat-index" => env!("CARGO_BIN_EXE_heliostat-index"),
        "heliostat-probe" => env!("CARGO_BIN_EXE_heliostat-probe"),
        "heliostat-scan" => env!("CARGO_BIN_EXE_heliostat-scan"),
        other => panic!("no program {other}"),
    }
}

/// Makes a file a program of another name. Another process writes it: while a descriptor of ours
/// may still be open in a child that another test has just forked, the program is "busy".
pub fn install(from: &Path, to: &Path) {
    let mut command = Command::new("install");
    let status = command.args(["-m", "755"]).args([from, to]).status();
    assert!(
        status.expect("install starts").success(),
        "{}",
        to.display()
    );
}

/// Sets a file's time of change.
pub fn set_mtime(file: &Path, mtime: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(mtime);
    let file = std::fs::File::options()
        .write(true)
        .open(file)
        .expect("the file opens");
    file.set_modified(time).expect("its time can be set");
}

/// Waits until something is so; panics with `what` when it takes too long.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Standard error and exit code of a run that must fail with one clear line.
#[track_caller]
pub fn failure(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it succeeded: {text}");
    (output.status.code(), text)
}
