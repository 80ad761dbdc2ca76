//! `[site.NAME.index]`: how the tree is indexed.

use crate::domain::key::{Bounds, section};

/// As many threads as a walk of the tree has at most: more only wait for the same disks.
const WALK_THREADS_MAX: u64 = 64;

section! {
    /// `[site.NAME.index]`: the index of the tree.
    RawIndex => IndexConfig {
        /// Threads that walk the tree; 0: twice the cores, since they wait for disks.
        threads: usize = 0, in Bounds::Whole(0, WALK_THREADS_MAX);
        /// Names of files and directories that are never catalogued; `*` and `?` are wildcards.
        exclude: Vec<String> = vec![".~tmp~".to_owned()];
        /// Largest share of the catalogue that one run may find vanished; more needs `--force`,
        /// because an unmounted disk looks like an empty tree.
        vanished_share_max: f64 = 0.5, in Bounds::SHARE;
        /// Whether the catalogue's generation is written into `.heliostat-generation` at the top
        /// of the tree after each change, so that mirrors can tell which one they copied.
        write_generation: bool = false;
    }
}
