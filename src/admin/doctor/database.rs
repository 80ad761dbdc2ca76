//! The mirror database: who may use it, whether this program can, and who else writes it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::examination::{Examination, Role, SiteCommand};
use super::finding::{AreaReport, Finding};
use super::opening::Wish;
use super::shell::{text_word, word};
use super::way::{check_way, may};
use crate::config::SiteConfig;
use crate::db::{DbError, Reader, open_reader};
use crate::program::exit::chain;
use crate::system::{free_bytes, owner_name};

/// Permissions of users outside of the group.
const OTHERS: u32 = 0o007;

/// Free bytes below which a warning is due, however small the database is.
const FREE_BYTES_MIN: u64 = 100 * 1024 * 1024;

/// Looks at the database of a site; also returns it open, if it can be read.
pub(super) fn check(
    examined: &Examination<'_>,
    site: &Arc<SiteConfig>,
) -> (AreaReport, Option<Reader>) {
    let mut report = AreaReport::of_site("database", site);
    let path = &site.database;
    let reader = match open_reader(path) {
        Ok(reader) => Some(reader),
        Err(error) => {
            report_unusable(&mut report, examined, path, &error);
            None
        }
    };
    let Ok(file) = fs::metadata(path) else {
        return (report, None);
    };
    check_rights(&mut report, examined, path, &file);
    check_follower(&mut report, path);
    if let Some(reader) = &reader {
        let fix = SiteCommand::of(examined, site).with("vacuum");
        check_journal(&mut report, path, reader, fix);
    }
    check_room(&mut report, path, file.len());
    let megabytes = file.len() / 1_000_000;
    report.looked_at = Some(format!("{}, {megabytes} MB", path.display()));
    (report, reader)
}

fn service(examined: &Examination<'_>) -> String {
    text_word(&examined.service_user)
}

fn config_word(examined: &Examination<'_>) -> String {
    word(&examined.config.path)
}

fn report_unusable(
    report: &mut AreaReport,
    examined: &Examination<'_>,
    path: &Path,
    error: &DbError,
) {
    let (user, config) = (service(examined), config_word(examined));
    let as_service = format!("runuser -u {user} --");
    let shown = path.display();
    let (id, fix) = match error {
        DbError::Missing { .. } => (
            "database-missing",
            format!("{as_service} heliostat-index --config {config} --no-hashes"),
        ),
        DbError::Older { .. } => (
            "database-older",
            format!("{as_service} heliostat --config {config} list"),
        ),
        DbError::Newer { .. } => (
            "database-newer",
            "apt install --only-upgrade heliostat".to_owned(),
        ),
        DbError::Foreign { .. } | DbError::Kind { .. } => {
            let aside = word(&with_end(path, ".aside"));
            ("database-foreign", format!("mv {} {aside}", word(path)))
        }
        _ => {
            let text = chain(error);
            report.refused(format!("{shown}: {text}"));
            return;
        }
    };
    let finding = Finding::error(id, format!("the database {shown} cannot be used"));
    report.push(finding.because(chain(error)).mended_by(fix));
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Names the database and the files that SQLite and others keep beside it.
fn family(path: &Path) -> Vec<PathBuf> {
    let ends = ["", "-wal", "-shm"].map(|end| with_end(path, end));
    ends.into_iter().filter(|path| path.exists()).collect()
}

fn check_rights(report: &mut AreaReport, examined: &Examination<'_>, path: &Path, file: &Metadata) {
    let shown = path.display();
    let files = family(path);
    let files = super::shell::words(files.iter().map(PathBuf::as_path));
    if file.mode() & OTHERS != 0 {
        report.push(
            Finding::error(
                "database-open",
                format!("every user may read the database {shown}"),
            )
            .because(format!(
                "its mode is {:04o}; it has the passwords of mirrors in their URLs",
                file.mode() & 0o7777
            ))
            .mended_by(format!("chmod 0640 {files}")),
        );
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let Some(service) = examined.examiner(Role::Service) else {
        return;
    };
    let name = text_word(&service.user.name);
    if file.uid() != service.user.uid {
        let group = service.user.groups.first().copied().unwrap_or(file.gid());
        report.push(
            Finding::error(
                "database-owner",
                format!("the database {shown} is not {}'s", service.user.name),
            )
            .because(format!(
                "its owner is {}, probably since a command was run as that user; the services \
                 cannot write it",
                owner_name(file.uid())
            ))
            .mended_by(format!("chown {name}:{group} {files}")),
        );
    }
    check_way(report, std::slice::from_ref(service), folder, Wish::Fill);
    let has_folder = may(service, folder, Wish::Fill).unwrap_or(false);
    let folder_mode = fs::metadata(folder).map_or(0, |folder| folder.mode());
    if has_folder && folder_mode & 0o002 != 0 && folder_mode & 0o1000 == 0 {
        report.push(
            Finding::error(
                "folder-open",
                format!("every user may replace files in {}", folder.display()),
            )
            .because(format!("its mode is {:04o}", folder_mode & 0o7777))
            .mended_by(format!("chmod 0750 {}", word(folder))),
        );
    }
}

/// Finds a program that replaces the file while others use it.
fn check_follower(report: &mut AreaReport, path: &Path) {
    let beside = with_end(path, "-txid");
    if beside.exists() {
        report.push(
            Finding::error(
                "database-follower",
                format!("a follower of Litestream writes {}", path.display()),
            )
            .because(format!(
                "{} is beside it (`litestream restore -f`); a follower and a responder wait for \
                 each other for ever",
                beside.display()
            ))
            .mended_by(format!(
                "systemctl disable --now litestream.service; rm {}",
                word(&beside)
            )),
        );
    }
}

/// Checks the journal mode, which every program that writes gives a database.
fn check_journal(report: &mut AreaReport, path: &Path, reader: &Reader, fix: String) {
    let mode = match reader.journal_mode() {
        Ok(mode) if mode.eq_ignore_ascii_case("wal") => return,
        Ok(mode) => mode,
        Err(error) => {
            let shown = path.display();
            report.refused(format!("the journal mode of {shown}: {}", chain(&error)));
            return;
        }
    };
    report.push(
        Finding::warning(
            "database-journal",
            format!(
                "the database {} has the journal mode {mode}",
                path.display()
            ),
        )
        .because(
            "a copy has this mode, which is fine for a front end that only reads; if any program \
             writes the database, requests wait for it",
        )
        .mended_by(fix),
    );
}

/// Checks the free room: a scan writes as much again, beside the old content.
fn check_room(report: &mut AreaReport, path: &Path, size: u64) {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let Some(free) = free_bytes(folder) else {
        report.absent(format!("the free space of {}", folder.display()));
        return;
    };
    let wanted = size.max(FREE_BYTES_MIN);
    if free < wanted {
        report.push(
            Finding::error(
                "disk-full",
                format!("{} MB are free for {}", free / 1_000_000, path.display()),
            )
            .because(format!(
                "a scan or an index may need {} MB; without this room, it ends and changes nothing",
                wanted / 1_000_000
            ))
            .mended_by(format!(
                "du -xh --max-depth=2 \"$(df --output=target {} | tail -n 1)\" | sort -h | tail",
                word(folder)
            )),
        );
    }
}
