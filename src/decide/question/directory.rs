//! Finds the mirrors that have a whole directory, for lists of directories without a marker.

use super::repository::FoundMirrors;
use crate::decide::client::Client;
use crate::decide::context::WorkerContext;
use crate::decide::list::DIRECTORY_FILES_MAX;
use crate::decide::passage::RequestPass;
use crate::decide::select::{self, Extent, MirrorQuestion};
use crate::domain::file::FileId;
use crate::domain::mirror::MirrorKind;
use crate::domain::select::{Holdings, MirrorSet, Reason};

/// Tells which mirrors have each of the files.
struct AllOf<'s, H> {
    has: MirrorSet,
    /// The holdings of any one file; they tell which mirrors were never scanned.
    of_none: &'s H,
}

impl<H: Holdings> Holdings for AllOf<'_, H> {
    fn word(&self, word: usize) -> u64 {
        self.has.word(word)
    }

    fn why_not(&self, mirror: usize) -> Reason {
        match self.of_none.why_not(mirror) {
            Reason::NeverScanned => Reason::NeverScanned,
            _ => Reason::FileMissing,
        }
    }
}

impl<'s> RequestPass<'_, 's> {
    /// The mirrors that have all files below a directory; if there are none, those that have any,
    /// since the files of a list are asked for one by one.
    pub(super) fn of_whole_directory(
        &mut self,
        context: &mut WorkerContext,
        client: &Client,
        directory: &[u8],
    ) -> FoundMirrors<'s> {
        let state = self.state;
        let Some(snapshot) = state.snapshot.as_deref() else {
            return FoundMirrors::default();
        };
        let files = match context
            .sources
            .files_below(snapshot, directory, DIRECTORY_FILES_MAX)
        {
            Ok(files) => files,
            Err(error) => {
                log::debug!("listing failed: error=\"{error}\"");
                return FoundMirrors::default();
            }
        };
        let total = files.len() as u64;
        let counts = snapshot.counts(&files);
        let mirrors = snapshot.roster.mirrors();
        let having = |least: u64| -> MirrorSet {
            let has = |place: &usize| {
                mirrors[*place].kind == MirrorKind::Cache || counts[*place] >= least
            };
            (0..mirrors.len())
                .filter(|_| total > 0)
                .filter(has)
                .collect()
        };
        let whole = having(total);
        let holdings = AllOf {
            has: if whole.is_empty() { having(1) } else { whole },
            of_none: &snapshot.holdings(FileId(u32::MAX)),
        };
        let wanted = MirrorQuestion {
            holdings: &holdings,
            path: directory,
            size: 0,
            cached: None,
            extent: self.depth.extent(Extent::All),
            rules: &self.decision.rules,
        };
        let mut found = select::mirrors(state, snapshot, context, client, &wanted);
        self.obey(&snapshot.roster, &mut found.choices, &mut found.excluded);
        FoundMirrors {
            choices: found.choices,
            excluded: found.excluded,
        }
    }
}
