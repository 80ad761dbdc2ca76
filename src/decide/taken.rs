//! Says which versions of a file a request takes, and from which mirrors.

use std::rc::Rc;

use crate::domain::file::FileId;
use crate::domain::generation::EarlierVersion;
use crate::domain::select::set::MirrorSet;

/// The versions of a file that a request takes, and the mirrors that it may get.
#[derive(Debug, Default)]
pub(super) struct TakenVersions {
    /// Whether the document is a list of a repository's mirrors, whose clients know alternates.
    pub is_list: bool,
    /// Ids of earlier versions that are as good as the last one.
    pub earlier: Vec<FileId>,
    /// The same with their hashes, for a metalink.
    pub alternates: Vec<EarlierVersion>,
    /// The only mirrors that count; `None`: all.
    pub within: Option<Rc<MirrorSet>>,
}
