//! `heliostat pages`: static pages about mirrors and downloads, for everybody or for admins.
//!
//! - [`gather`]: everything that the pages tell, in one look at the databases.
//! - `words`: the same for people. `mirror_page`, `site_page`, `rollout`, `statistics`, `machine`:
//!   the files.
//! - [`folder`]: the folder, which is exchanged as a whole.
//!
//! # Security
//! Pages for everybody have no private mirror and no number that tells of one: shares are shares of
//! what the mirrors of the list got, and tiers are not told apart. Logins are cut out of URLs.

mod args;
mod folder;
mod gather;
mod machine;
mod mirror_page;
mod rollout;
mod run;
mod site_page;
mod statistics;
mod words;

pub use args::PagesArgs;
pub(super) use run::pages;
