//! Units of systemd. No systemd of a test machine has our units, so a stand-in tells their state.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::healthy::{Clinic, SERVICE, WEB, set_mode};
use crate::stand_in::site::program_path;

/// Makes `/run/systemd/system`, for this process and its children alone.
const WITH_SYSTEMD: &str = "mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && \
                            mkdir /run/systemd/system && exec \"$@\"";

/// A unit that is well.
const WELL: &str = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\
                    LimitNOFILE=4096\nWatchdogUSec=5s\nRestart=always\nStartLimitIntervalUSec=0\n\
                    LastTriggerUSec=Sat 2026-11-28 09:00:00 UTC\nMainPID=0\n";

/// The findings and the fixes, with units in other states.
fn found(clinic: &Clinic, changed: &[(&str, &str, &str)]) -> (Vec<String>, String) {
    let folder = clinic.path("units");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("bin")).expect("a folder");
    fs::write(folder.join("well"), WELL).expect("written");
    for (unit, from, to) in changed {
        assert!(WELL.contains(from), "{from}");
        fs::write(folder.join(unit), WELL.replace(from, to)).expect("written");
    }
    let folder_shown = folder.display();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = show ] || exit 1\n\
         cat \"{folder_shown}/$2\" 2>/dev/null || cat {folder_shown}/well\n"
    );
    let systemctl = folder.join("bin/systemctl");
    fs::write(&systemctl, script).expect("written");
    set_mode(&systemctl, 0o755);
    let path = format!("{folder_shown}/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", WITH_SYSTEMD, "sh"])
        .arg(program_path("heliostat"))
        .args([
            "doctor",
            "--json",
            "--service-user",
            SERVICE,
            "--web-user",
            WEB,
        ])
        .args(["--apachectl", "/usr/sbin/apache2"])
        .arg("--apache-config")
        .arg(clinic.path("httpd.conf"))
        .arg("--nginx-config")
        .arg(clinic.path("nginx.conf"))
        .env("HELIOSTAT_CONFIG", clinic.site.config())
        .env("PATH", path)
        .output()
        .expect("unshare starts");
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = value["findings"].as_array().expect("a list");
    let ids = findings.iter().map(|one| one["id"].as_str().expect("text"));
    let ids = ids.map(str::to_owned).collect();
    (ids, format!("{findings:?}"))
}

const INDEX: &str = "heliostat-index.timer";
const RESPONDER: &str = "heliostat-fcgi.service";
const ACTIVE: &str = "ActiveState=active";

/// A unit, what changes of it, the finding, and a part of it.
const CHANGES: &[(&str, &str, &str, &str, &str)] = &[
    (
        INDEX,
        ACTIVE,
        "ActiveState=inactive",
        "unit-inactive",
        "systemctl enable --now",
    ),
    (
        INDEX,
        "UnitFileState=enabled",
        "UnitFileState=disabled",
        "unit-not-enabled",
        "systemctl enable heliostat-index.timer",
    ),
    (
        INDEX,
        "LoadState=loaded\nActiveState=active",
        "LoadState=masked\nActiveState=inactive",
        "unit-inactive",
        "systemctl unmask",
    ),
    (
        INDEX,
        "LoadState=loaded\nActiveState=active",
        "LoadState=not-found\nActiveState=inactive",
        "unit-missing",
        "--reinstall",
    ),
    (
        "heliostat-scan.service",
        ACTIVE,
        "ActiveState=failed\nResult=exit-code",
        "unit-failed",
        "journalctl -u heliostat-scan.service",
    ),
    (
        RESPONDER,
        "LimitNOFILE=4096",
        "LimitNOFILE=200",
        "unit-limit",
        "LimitNOFILE=4096",
    ),
    (
        RESPONDER,
        "WatchdogUSec=5s",
        "WatchdogUSec=0",
        "unit-watchdog",
        "WatchdogSec=5",
    ),
    (
        RESPONDER,
        "Restart=always",
        "Restart=no",
        "unit-restart",
        "Restart=always",
    ),
    (
        RESPONDER,
        "StartLimitIntervalUSec=0",
        "StartLimitIntervalUSec=10s",
        "unit-start-limit",
        "[Unit]",
    ),
];

#[test]
fn states_and_limits_of_units_are_judged() {
    let clinic = Clinic::new();
    assert_eq!(found(&clinic, &[]).0, [""; 0]);
    for (unit, from, to, id, fix) in CHANGES.iter().copied() {
        let (ids, text) = found(&clinic, &[(unit, from, to)]);
        assert_eq!(ids, [id], "{unit}: {to}: {text}");
        assert!(text.contains(fix), "{id}: {fix} is not in {text}");
    }
    // Of a responder that does not run, systemd tells no watchdog.
    let away = [(
        RESPONDER,
        "ActiveState=active\nUnitFileState=enabled\nLimitNOFILE=4096\nWatchdogUSec=5s",
        "ActiveState=inactive\nUnitFileState=enabled\nLimitNOFILE=4096\nWatchdogUSec=infinity",
    )];
    assert_eq!(found(&clinic, &away).0, [""; 0]);
    // Another unit does the same.
    let due = [("heliostat-scan.timer", ACTIVE, "ActiveState=inactive")];
    assert_eq!(found(&clinic, &due).0, [""; 0]);
}
