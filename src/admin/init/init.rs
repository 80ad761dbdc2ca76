//! Runs `init`: looks, shows, asks, makes.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::found::{self, FoundMachine};
use super::plan::{self, FREE_GEOIP, NewFile};
use crate::admin::args::InitArgs;
use crate::admin::console::Console;
use crate::admin::error::AdminError;
use crate::admin::line_diff::LineDiff;
use crate::program::exit::Exit;
use crate::system::LocalUser;

/// Mode of the folder of the database, which has passwords of mirrors.
const STATE_MODE: u32 = 0o750;

/// Everything that is to be made.
struct Plan<'a> {
    args: &'a InitArgs,
    config: &'a Path,
    found: FoundMachine,
    /// The user is missing.
    needs_user: bool,
    needs_folder: bool,
    files: Vec<NewFile>,
}

/// Makes a first site.
///
/// # Errors
/// Returns [`AdminError::Refused`] if the tree, the site or the answer cannot be used, and
/// [`AdminError::File`] or [`AdminError::Program`] for what could not be made.
pub(in crate::admin) fn init(args: &InitArgs, config: &Path) -> Result<Exit, AdminError> {
    check(args)?;
    let found = found::look(args);
    let plan = Plan {
        args,
        config,
        needs_user: find_user(&args.service_user)?.is_none(),
        needs_folder: !args.state.exists(),
        files: vec![
            plan::configuration(args, config, &found),
            plan::host(args, &found),
        ],
        found,
    };
    let mut console = Console::new();
    match args.json {
        true => console.json(&plan.as_json())?,
        false => plan.show(&mut console)?,
    }
    if !args.dry_run && plan.is_wanted(&mut console)? {
        plan.make()?;
        if !args.json {
            plan.show_next(&mut console)?;
        }
    }
    console.flush()?;
    Ok(Exit::Ok)
}

fn check(args: &InitArgs) -> Result<(), AdminError> {
    let refused = |text: String| Err(AdminError::Usage(text));
    if !args.tree.is_dir() {
        return refused(format!(
            "--tree {}: there is no such directory; name the directory that the host serves",
            args.tree.display()
        ));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if args.site.is_empty() || !args.site.chars().all(is_plain) {
        return refused(format!(
            "--site '{}': write letters, digits, - and _ only",
            args.site.escape_debug()
        ));
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if args.host.is_empty() || !args.host.chars().all(is_host) {
        return refused(format!(
            "--host '{}': write a name such as download.example.org",
            args.host.escape_debug()
        ));
    }
    Ok(())
}

impl Plan<'_> {
    fn is_done(&self) -> bool {
        let has_files = self.files.iter().all(NewFile::is_done);
        !self.needs_user && !self.needs_folder && has_files
    }

    fn show(&self, console: &mut Console) -> Result<(), AdminError> {
        for host in &self.found.hosts {
            console.line(format!("found: {host}"))?;
        }
        for problem in &self.found.problems {
            console.line(format!("not found: {problem}"))?;
        }
        if self.needs_user {
            console.line(format!("+ user {}", self.args.service_user))?;
        }
        if self.needs_folder {
            let state = self.args.state.display();
            console.line(format!("+ folder {state} (mode {STATE_MODE:04o})"))?;
        }
        for file in &self.files {
            show_file(console, file)?;
        }
        if self.found.geoip.is_empty() {
            console.line(format!(
                "no GeoIP file was found, so nobody knows where clients are; DB-IP gives free \
                 ones: mkdir -p /var/lib/GeoIP && curl -fL \
                 \"https://download.db-ip.com/free/dbip-city-lite-$(date -u +%Y-%m).mmdb.gz\" | \
                 gunzip >{FREE_GEOIP}"
            ))?;
        }
        Ok(())
    }

    fn is_wanted(&self, console: &mut Console) -> Result<bool, AdminError> {
        if self.is_done() {
            console.line("everything is there already; nothing is changed")?;
            return Ok(false);
        }
        if self.args.yes {
            return Ok(true);
        }
        if self.args.json || !console.is_attended() {
            let text = "nothing is made without an answer; add --yes, or --dry-run";
            return Err(AdminError::Refused(text.to_owned()));
        }
        Ok(console.ask("Make all this? [y/n]", &['y', 'n'])? == Some('y'))
    }

    fn make(&self) -> Result<(), AdminError> {
        let user = &self.args.service_user;
        if self.needs_user {
            make_user(user, &self.args.state)?;
        }
        let user = find_user(user)?;
        let owner = user.as_ref().map(|user| (user.uid, user.groups[0]));
        if self.needs_folder {
            let state = &self.args.state;
            let made = fs::DirBuilder::new()
                .recursive(true)
                .mode(STATE_MODE)
                .create(state)
                .and_then(|()| fs::set_permissions(state, PermissionsExt::from_mode(STATE_MODE)))
                .and_then(|()| match owner {
                    Some((uid, gid)) => chown(state, Some(uid), Some(gid)),
                    None => Ok(()),
                });
            made.map_err(|source| not_made(state, source))?;
        }
        for file in &self.files {
            let group = owner.map(|(_, gid)| gid).filter(|_| file.is_for_services);
            make_file(file, group).map_err(|source| not_made(&file.path, source))?;
        }
        Ok(())
    }

    /// Commands that follow.
    fn next(&self) -> Vec<String> {
        let user = &self.args.service_user;
        let config = self.config.display();
        let name = format!("heliostat-{}", self.args.site);
        let sites = self.found.host_files.iter().filter_map(|file| {
            let name = file.file_stem()?.to_string_lossy().into_owned();
            (file.parent()?.file_name()? == "sites-enabled").then_some(name)
        });
        let off: Vec<String> = sites.map(|site| format!("a2dissite {site} && ")).collect();
        let tls = self.found.certificate.as_ref().map_or("", |_| " ssl");
        vec![
            format!("runuser -u {user} -- heliostat-index --config {config} --no-hashes"),
            format!(
                "runuser -u {user} -- heliostat --config {config} new mirror.example.org \
                 -H http://mirror.example.org/pub/ -R rsync://mirror.example.org/pub/"
            ),
            format!("a2enmod proxy_fcgi xsendfile headers setenvif asis alias env{tls}"),
            format!(
                "{}a2ensite {name} && apachectl configtest && systemctl reload apache2",
                off.concat()
            ),
            format!("heliostat --config {config} doctor"),
        ]
    }

    fn show_next(&self, console: &mut Console) -> Result<(), AdminError> {
        for command in self.next() {
            console.line(format!("next: {command}"))?;
        }
        Ok(())
    }

    fn as_json(&self) -> Value {
        let files = self.files.iter().map(
            |file| json!({ "path": file.path, "is_there": file.path.exists(), "text": file.text }),
        );
        let folders: Vec<&PathBuf> = self
            .needs_folder
            .then_some(&self.args.state)
            .into_iter()
            .collect();
        json!({
            "dry_run": self.args.dry_run,
            "user": self.needs_user.then_some(&self.args.service_user),
            "folders": folders,
            "files": files.collect::<Vec<Value>>(),
            "problems": self.found.problems,
            "next": self.next(),
        })
    }
}

/// A new file as added lines; of one that is there, what it lacks.
fn show_file(console: &mut Console, file: &NewFile) -> Result<(), AdminError> {
    let shown = file.path.display();
    let there = fs::read_to_string(&file.path).ok();
    let Some(there) = there.filter(|_| !file.adds()) else {
        let before = if file.path.exists() {
            &shown as &dyn Display
        } else {
            &"/dev/null"
        };
        console.line(format!(
            "--- {before}\n+++ {shown} (mode {:04o})",
            file.mode
        ))?;
        for line in file.text.lines() {
            console.line(format!("+{line}"))?;
        }
        return Ok(());
    };
    console.line(format!("{shown} is there and stays as it is"))?;
    for line in LineDiff::new(&there, &file.text).added() {
        console.line(format!("  it lacks: {}", line.trim_end()))?;
    }
    Ok(())
}

fn find_user(name: &str) -> Result<Option<LocalUser>, AdminError> {
    LocalUser::find(name).map_err(|source| AdminError::Program {
        program: "id".to_owned(),
        source,
    })
}

fn not_made(path: &Path, source: std::io::Error) -> AdminError {
    AdminError::File {
        doing: "make",
        path: path.to_owned(),
        source,
    }
}

fn make_user(name: &str, home: &Path) -> Result<(), AdminError> {
    let mut command = Command::new("useradd");
    command.args([
        "--system",
        "--user-group",
        "--shell",
        "/usr/sbin/nologin",
        "--home-dir",
    ]);
    command.arg(home).arg("--").arg(name);
    let status = command.status().map_err(|source| AdminError::Program {
        program: "useradd".to_owned(),
        source,
    })?;
    match status.success() {
        true => Ok(()),
        false => Err(AdminError::Refused(format!(
            "useradd did not make the user {name}; run init as root"
        ))),
    }
}

/// Makes a file that is not there, or adds to one that has nothing yet.
fn make_file(file: &NewFile, group: Option<u32>) -> std::io::Result<()> {
    if file.adds() {
        let mut there = File::options().append(true).open(&file.path)?;
        return there.write_all(file.text.as_bytes());
    }
    if file.path.exists() {
        return Ok(());
    }
    let mut made = File::options()
        .write(true)
        .create_new(true)
        .mode(file.mode)
        .open(&file.path)?;
    made.write_all(file.text.as_bytes())?;
    made.set_permissions(PermissionsExt::from_mode(file.mode))?;
    match group {
        Some(gid) => chown(&file.path, None, Some(gid)),
        None => Ok(()),
    }
}
