//! Finds problems of a site as a whole: of its tree, its configuration, its responder.

use crate::admin::responder::Responder;
use crate::admin::session::Session;
use crate::db::catalogue;
use crate::db::open::Queryable;
use crate::db::{DbError, check_room};
use crate::domain::path::FilePath;
use crate::program::exit::chain;
use crate::tree::{Location, Tree};

/// Files of the catalogue that are looked at, evenly spread: some of every large part of the tree.
const SAMPLE_FILES: u64 = 200;

/// Problems, worst first. The responder tells the state of the tree; if it does not answer, this
/// program looks itself.
pub(super) fn problems(
    session: &Session,
    database: &impl Queryable,
    files: u64,
) -> Result<Vec<String>, DbError> {
    let mut problems = Vec::new();
    if let Some(problem) = &session.config_problem {
        problems.push(format!(
            "the configuration cannot be used, and the last good one is: {problem}"
        ));
    }
    // A scan that cannot be stored cannot be stored as a failed one, either.
    if let Err(full) = check_room(&session.site.database) {
        problems.push(chain(&full));
    }
    let responder = Responder::ask(&session.config.fcgi.listen);
    match responder.problems(&session.site.name) {
        Some(told) if session.config_problem.is_some() => {
            problems.extend(told.into_iter().filter(|told| !told.contains("last good")));
        }
        Some(told) => problems.extend(told),
        None => {}
    }
    if !matches!(responder, Responder::Answers(_)) {
        problems.extend(own_look(session, database, files)?);
    }
    Ok(problems)
}

/// The first problem that this user has with the tree.
fn own_look(
    session: &Session,
    database: &impl Queryable,
    files: u64,
) -> Result<Option<String>, DbError> {
    if session.site.origin.is_some() {
        return Ok(None);
    }
    let mut tree = Tree::new(&session.site.tree);
    if let Err(problem) = tree.check() {
        return Ok(Some(problem.text()));
    }
    let step = (files / SAMPLE_FILES).max(1);
    let (mut count, mut found) = (0, None);
    catalogue::for_each(database, b"", |path, file| {
        count += 1;
        if count % step == 0
            && found.is_none()
            && let Ok(path) = FilePath::parse(path)
            && let Location::Unknown(problem) = tree.locate(&path, file.version)
        {
            found = Some(problem.text());
        }
    })?;
    Ok(found)
}
