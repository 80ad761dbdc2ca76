//! Options of `repo`.

mod command;

pub use command::{ExpireRepoArgs, ListRepoArgs, RepoAction, RepoArgs, RepoChoice, ShowRepoArgs};
