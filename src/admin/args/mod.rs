//! The command line of `heliostat`, which is also MirrorBrain's `mb`: [`Arguments`] and one type of
//! options per command.

pub mod abbreviation;
mod change;
mod command;
mod configuration;
mod database;
mod doctor;
mod explain;
mod export;
mod file;
mod history;
mod import;
mod init;
mod makehashes;
mod mirror;
mod network;
mod overview;
mod product;
mod replay;
mod repo;
mod status;
mod tree;

pub use change::{BEYOND_MB, ChangeFlags};
pub use command::{Arguments, Command, GlobalArgs, PassedArgs};
pub use configuration::{ConfigArgs, InstancesArgs};
pub use database::{BackupArgs, DbAction, DbArgs, RestoreArgs, VacuumArgs, VacuumFlags};
pub use doctor::DoctorArgs;
pub use explain::ExplainArgs;
pub use export::{ExportArgs, ExportFormat, VcsArg};
pub use file::{FileAction, FileArgs};
pub use history::{EventsArgs, KindArg, LogsArgs, RunsArgs};
pub use import::{
    ImportApacheArgs, ImportArgs, ImportConfArgs, ImportFrom, ImportListArgs,
    ImportMirrorbitsConfArgs, MadeWay, MirrorbrainArgs,
};
pub use init::InitArgs;
pub use makehashes::MakehashesArgs;
pub use mirror::PingArgs;
pub use mirror::{
    CommentArgs, DeleteArgs, DrainArgs, EditArgs, EnableArgs, ListArgs, ListForm, NewArgs,
    NewCacheArgs, OneArgs, RenameArgs, ScoreArgs, ShowArgs, TestArgs,
};
pub use network::{
    IplookupArgs, ProbefileArgs, TopologyArgs, TopologyCheckArgs, TopologyCommand,
    TopologyCompileArgs, TopologyLookupArgs, TopologyRulesArgs, UpdateArgs, UrlsArg,
};
pub use overview::{ImageArg, ListFormat, MarkersArgs, MirrorlistArgs};
pub use product::{
    AddProductArgs, AliasArgs, ImportProductArgs, ListProductArgs, ProductAction, ProductArgs,
    RemoveProductArgs, UptakeArgs,
};
pub use replay::{CompareArgs, ReplayArgs};
pub use repo::{ExpireRepoArgs, ListRepoArgs, RepoAction, RepoArgs, RepoChoice, ShowRepoArgs};
pub use status::{StatusArgs, StatusOrder};
pub use tree::{DirsArgs, NullTreeArgs, TimestampArgs};
