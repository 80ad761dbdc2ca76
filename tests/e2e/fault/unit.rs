//! The systemd units: they are valid, they lock the programs up, and the programs live in there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::stage::Stage;
use crate::stage::folder::temporary_folder;
use crate::stage::site::eventually;

/// The exposure that each unit may have. `systemd-analyze security` calls it safe below 2.0; the
/// responder has no network.
const EXPOSURE_MAX: [(&str, f64); 9] = [
    ("heliostat-fcgi.service", 1.0),
    ("heliostat-hash.service", 1.0),
    ("heliostat-index.service", 1.0),
    ("heliostat-scan.service", 2.0),
    ("heliostat-scan-due.service", 2.0),
    ("heliostat-probe.service", 2.0),
    ("heliostat-probe-once.service", 2.0),
    ("heliostat-stats.service", 2.0),
    ("heliostat-pages.service", 2.0),
];

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/systemd")
}

/// A root with the units and with programs where the units look for them.
fn root() -> tempfile::TempDir {
    let root = temporary_folder();
    let path = |name: &str| root.path().join(name);
    for folder in ["usr/bin", "usr/lib", "etc/systemd/system"] {
        fs::create_dir_all(path(folder)).expect("a folder");
    }
    std::os::unix::fs::symlink("usr/bin", path("bin")).expect("a link");
    for program in [
        "heliostat",
        "heliostat-fcgi",
        "heliostat-index",
        "heliostat-probe",
        "heliostat-scan",
        "kill",
    ] {
        fs::copy("/bin/true", path("usr/bin").join(program)).expect("a program");
    }
    let copied = Command::new("cp")
        .args(["-r", "/usr/lib/systemd"])
        .arg(path("usr/lib"))
        .status()
        .expect("cp");
    assert!(copied.success(), "systemd's own units");
    for unit in unit_names() {
        let target = path("etc/systemd/system").join(&unit);
        fs::copy(units().join(&unit), target).expect("a unit");
    }
    root
}

fn unit_names() -> Vec<String> {
    let is_unit = |name: &String| {
        [".service", ".socket", ".timer"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let entries = fs::read_dir(units()).expect("the units").flatten();
    entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(is_unit)
        .collect()
}

fn analyze(root: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("systemd-analyze")
        .arg(format!("--root={}", root.display()))
        .args(["--man=no", "--no-pager"])
        .args(arguments)
        .output()
        .expect("systemd is installed; `scripts/test` does it");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn units_are_valid_and_sandboxed() {
    let root = root();
    let names = unit_names();
    let mut arguments = vec!["verify"];
    arguments.extend(names.iter().map(String::as_str));
    let (valid, said) = analyze(root.path(), &arguments);
    // Anything it says about our units is a mistake, also what it does not fail for.
    assert!(valid && !said.contains("heliostat"), "{said}");
    for (unit, limit) in EXPOSURE_MAX {
        let (_, said) = analyze(root.path(), &["security", "--offline=true", unit]);
        let exposure = said
            .split("exposure level for")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().nth(1)?.parse::<f64>().ok());
        assert!(
            exposure.is_some_and(|found| found <= limit),
            "{unit}: {exposure:?}\n{said}"
        );
    }
}

/// The text of a unit.
fn unit(name: &str) -> String {
    fs::read_to_string(units().join(name)).expect("a unit")
}

#[test]
fn services_are_bounded_and_no_number_of_starts_ends_them() {
    for name in unit_names() {
        let text = unit(&name);
        let has = |line: &str| assert!(text.contains(line), "{name} lacks {line}");
        if name.ends_with(".service") {
            for line in ["MemoryMax=", "TasksMax=", "UMask=0027\n"] {
                has(line);
            }
            match text.contains("Type=oneshot") {
                // RuntimeMaxSec= means nothing to them.
                true => has("TimeoutStartSec="),
                false => has("StartLimitIntervalSec=0\n"),
            }
            match name.as_str() {
                "heliostat-fcgi.service" | "heliostat-probe.service" => has("Restart=always"),
                _ => has("SuccessExitStatus=3"),
            }
        }
        if name.contains("scan") && name.ends_with(".service") || name.contains("probe") {
            let is_timer = name.ends_with(".timer");
            assert_eq!(text.contains("#IPAddressDeny="), !is_timer, "{name}");
        }
    }
    let responder = unit("heliostat-fcgi.service");
    for line in [
        "WatchdogSec=5\n",
        "RestartSec=1s\n",
        "StateDirectory=heliostat-fcgi\nStateDirectoryMode=0700\n",
        "--check\nExecReload=/bin/kill -HUP $MAINPID\n",
        "TemporaryFileSystem=/etc:ro\n",
        "ProtectHome=tmpfs\n",
    ] {
        assert!(responder.contains(line), "{line}");
    }
    assert!(unit("heliostat-fcgi.socket").contains("TriggerLimitIntervalSec=0\n"));
}

/// The calls that a unit lets its program make, by systemd's own list of groups.
fn allowed_calls(unit: &str) -> BTreeSet<String> {
    let text = self::unit(unit);
    let mut allowed = BTreeSet::new();
    for line in text
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="))
    {
        let (refuses, groups) = line
            .strip_prefix('~')
            .map_or((false, line), |rest| (true, rest));
        for call in groups.split_whitespace().flat_map(calls_of) {
            if refuses {
                allowed.remove(&call);
            } else {
                allowed.insert(call);
            }
        }
    }
    allowed
}

fn calls_of(group: &str) -> Vec<String> {
    let output = Command::new("systemd-analyze")
        .args(["syscall-filter", group])
        .output();
    let text = String::from_utf8(output.expect("systemd-analyze").stdout).expect("text");
    // The first line is the group, and comments begin with #.
    let lines = text.lines().skip(1).map(str::trim);
    let words = lines
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned);
    words
        .flat_map(|word| {
            if word.starts_with('@') {
                calls_of(&word)
            } else {
                vec![word]
            }
        })
        .collect()
}

#[test]
fn the_responder_makes_only_calls_that_its_unit_allows() {
    let mut stage = Stage::new("");
    stage.file("a.iso", 20_000);
    std::os::unix::fs::symlink("a.iso", stage.site.tree().join("link.iso")).expect("a link");
    stage.mirror("germany", ["de", "eu"]);
    stage.learn();
    let trace = stage.site.path("trace");
    stage.start_responder_under(&["strace", "-D", "-f", "-qq", "-o", &trace.to_string_lossy()]);
    stage.start_apache(&Default::default());
    stage.until_redirected("/a.iso");
    assert_eq!(stage.get("/link.iso").send().status, 302);
    assert_eq!(stage.get("/none.iso.md5").send().status, 404);
    stage.responder.take().expect("it runs").end(Signal::TERM);
    let allowed = allowed_calls("heliostat-fcgi.service");
    let mut text = String::new();
    eventually("the trace is whole", || {
        text = fs::read_to_string(&trace).expect("a trace");
        text.contains("exit_group(")
    });
    let made: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('))
        .map(|(name, _)| name)
        .filter(|name| {
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        })
        .collect();
    assert!(made.contains("openat2") && made.len() > 20, "{made:?}");
    // SQLite calls fchown only for root, whom the unit does not let in.
    let as_root = |call: &str| call == "fchown" && rustix::process::geteuid().is_root();
    let refused: Vec<&&str> = made
        .iter()
        .filter(|call| !allowed.contains(**call) && !as_root(call))
        .collect();
    assert!(refused.is_empty(), "not in SystemCallFilter=: {refused:?}");
}
