//! Judges whether a listing may become a mirror's content (no I/O).
//!
//! [`judge`] first makes the mirror's new content: the listed files, and the previous state of
//! files that could not be listed, outside of `--dir` or below directories that the server could
//! not read. It then compares the new content with the published one.
//!
//! A listing is *suspicious* when
//!
//! - no file at all was listed, or
//! - more than a set share of the files vanished that the mirror had and the catalogue still has
//!   (a file that is merely outdated on the mirror has not vanished), or
//! - a mirror is scanned for the first time and has not one current file: another tree lies under
//!   its URL.
//!
//! A suspicious listing is kept aside. When the next one sees the same, give or take
//! [`CONFIRM_SHARE_MAX`], it is published: the mirror really is so.

use roaring::RoaringBitmap;

use crate::db::content::Content;
use crate::scan::listing::Listing;

/// How much two suspicious listings may differ and still confirm each other: mirrors go on
/// synchronising between two scans.
pub const CONFIRM_SHARE_MAX: f64 = 0.01;

/// Makes the new content from listed files and the published content. `scope`: ids below `--dir`,
/// or of the whole tree; `unlisted`: ids that may be there although they were not listed.
fn merge(
    previous: Option<&Content>,
    seen: &Content,
    scope: Option<&RoaringBitmap>,
    unlisted: &RoaringBitmap,
) -> Content {
    let mut merged = seen.clone();
    if let Some(scope) = scope {
        merged.current &= scope;
        merged.outdated &= scope;
    }
    let Some(previous) = previous else {
        return merged;
    };
    let listed = &merged.current | &merged.outdated;
    let kept = |ids: &RoaringBitmap| {
        let mut kept = match scope {
            Some(scope) => ids - scope,
            None => RoaringBitmap::new(),
        };
        kept |= (ids & unlisted) - &listed;
        kept
    };
    merged.current |= kept(&previous.current);
    merged.outdated |= kept(&previous.outdated);
    merged
}

/// Adds the files seen in single directories to the published content. Files not seen there stay:
/// only a listing of the whole mirror shows whether it can be believed.
fn add(previous: Option<&Content>, seen: &Content, scope: &RoaringBitmap) -> Content {
    let mut added = previous.cloned().unwrap_or_default();
    added.current |= &seen.current & scope;
    added.outdated |= &seen.outdated & scope;
    added.outdated -= &added.current;
    added
}

/// Why a content is published, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Published: the first scan of this mirror.
    First,
    /// Published: the change is within the limits.
    Ordinary,
    /// Published: suspicious, but a second listing saw the same.
    Confirmed(Suspicion),
    /// Published: suspicious, but the admin gave `--force`.
    Forced(Suspicion),
    /// Kept aside.
    Suspicious(Suspicion),
}

/// Reason why a listing is suspicious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Suspicion {
    /// Nothing was listed.
    #[error("the listing is empty")]
    Empty,
    /// Too many files vanished.
    #[error("{vanished} of {before} files vanished")]
    Vanished {
        /// Files that the mirror had, the catalogue has, and the listing has not.
        vanished: u64,
        /// Files that the mirror had and the catalogue has.
        before: u64,
    },
    /// Another tree lies under the URL.
    #[error(
        "none of the {files} files on it is the current version of one in the catalogue; \
         is the URL that of this tree?"
    )]
    Foreign {
        /// Files listed.
        files: u64,
    },
}

/// The state with which a listing is compared.
#[derive(Debug, Clone, Copy)]
pub struct JudgementCase<'a> {
    /// The published content.
    pub previous: Option<&'a Content>,
    /// The content that waits for confirmation.
    pub pending: Option<&'a Content>,
    /// Ids of the catalogue.
    pub catalogue: &'a RoaringBitmap,
    /// Ids of the part of the tree that was to be listed, which may well be absent; `None`: all.
    pub scope: Option<&'a RoaringBitmap>,
    /// Whether that part is single directories.
    pub is_single: bool,
    /// When a listing is suspicious.
    pub limits: JudgementLimits,
}

/// Result of judging a listing.
#[derive(Debug)]
pub struct ListingJudgement {
    /// The mirror's new content.
    pub content: Content,
    /// Files that the mirror had, the catalogue still has, and the content has not.
    pub vanished: u64,
    /// Whether the content is published.
    pub verdict: Verdict,
}

/// Limits of a verdict.
#[derive(Debug, Clone, Copy)]
pub struct JudgementLimits {
    /// 0 … 1.
    pub vanished_share_max: f64,
    /// Whether the admin wants the listing published in any case.
    pub force: bool,
}

impl JudgementCase<'_> {
    fn content_after(&self, listing: &Listing) -> Content {
        let seen = &listing.seen.content;
        match self.scope {
            Some(scope) if self.is_single => add(self.previous, seen, scope),
            scope => merge(self.previous, seen, scope, &listing.kept),
        }
    }

    fn vanished(&self, content: &Content) -> u64 {
        let Some(previous) = self.previous else {
            return 0;
        };
        let gone = &previous.current - &content.current;
        (gone - &content.outdated).intersection_len(self.catalogue)
    }

    fn suspicion(&self, files: u64, content: &Content, vanished: u64) -> Option<Suspicion> {
        // A listing that changes nothing does no harm.
        if self.previous == Some(content) {
            return None;
        }
        let is_whole = self.scope.is_none();
        if is_whole && files == 0 {
            return Some(Suspicion::Empty);
        }
        let Some(previous) = self.previous else {
            let is_foreign = is_whole && content.current.is_empty();
            return is_foreign.then_some(Suspicion::Foreign { files });
        };
        let before = previous.current.intersection_len(self.catalogue);
        let too_many = vanished as f64 > before as f64 * self.limits.vanished_share_max;
        too_many.then_some(Suspicion::Vanished { vanished, before })
    }

    fn is_confirmed(&self, content: &Content) -> bool {
        self.pending.is_some_and(|pending| {
            let (one, other) = (&pending.current, &content.current);
            let differing = one.symmetric_difference_len(other);
            differing as f64 <= one.len().max(other.len()) as f64 * CONFIRM_SHARE_MAX
        })
    }
}

/// Gives the verdict on a listing.
pub fn judge(case: &JudgementCase<'_>, listing: &Listing) -> ListingJudgement {
    let content = case.content_after(listing);
    let vanished = case.vanished(&content);
    let verdict = match case.suspicion(listing.seen.files, &content, vanished) {
        None if case.previous.is_none() => Verdict::First,
        None => Verdict::Ordinary,
        Some(suspicion) if case.limits.force => Verdict::Forced(suspicion),
        Some(suspicion) if case.is_confirmed(&content) => Verdict::Confirmed(suspicion),
        Some(suspicion) => Verdict::Suspicious(suspicion),
    };
    ListingJudgement {
        content,
        vanished,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::compare::tally::Observations;
    use crate::scan::protocol::Protocol;

    /// The verdict on a listing of that content.
    fn verdict(case: JudgementCase<'_>, content: &Content, files: u64) -> Verdict {
        let seen = Observations {
            content: content.clone(),
            files,
            ..Observations::default()
        };
        judge(&case, &Listing::new(Protocol::Rsync, seen)).verdict
    }

    fn ids(range: std::ops::Range<u32>) -> RoaringBitmap {
        range.collect()
    }

    fn content(current: std::ops::Range<u32>, outdated: std::ops::Range<u32>) -> Content {
        Content {
            current: ids(current),
            outdated: ids(outdated),
        }
    }

    #[test]
    fn single_directories_only_add() {
        let previous = content(0..50, 50..100);
        let seen = content(45..60, 60..70);
        let mut expected = content(0..50, 58..100);
        expected.current |= ids(50..58);
        assert_eq!(add(Some(&previous), &seen, &ids(0..58)), expected);
        let nothing = Content::default();
        assert_eq!(add(Some(&previous), &nothing, &ids(0..99)), previous);
        assert_eq!(add(None, &seen, &ids(45..47)), content(45..47, 0..0));
    }

    #[test]
    fn what_was_not_listed_keeps_its_previous_state() {
        let previous = content(0..50, 50..100);
        let nothing = RoaringBitmap::new();
        let seen = content(10..20, 60..70);
        assert_eq!(merge(Some(&previous), &seen, None, &nothing), seen);
        assert_eq!(merge(None, &seen, None, &nothing), seen);

        let scope = ids(0..30);
        let subtree = |previous, seen: &Content| merge(previous, seen, Some(&scope), &nothing);
        // The server listed more than it was asked for: 60..70 stay as they were.
        let merged = subtree(Some(&previous), &content(10..20, 20..25));
        assert_eq!(merged.current, ids(10..20) | ids(30..50));
        assert_eq!(merged.outdated, ids(20..25) | ids(50..100));
        assert_eq!(subtree(None, &content(10..40, 0..0)).current, ids(10..30));

        let unlisted = ids(40..60);
        // 45 was listed after all, as outdated.
        let seen = content(0..10, 45..46);
        let merged = merge(Some(&previous), &seen, None, &unlisted);
        assert_eq!(merged.current, ids(0..10) | ids(40..45) | ids(46..50));
        assert_eq!(merged.outdated, ids(45..46) | ids(50..60));
    }

    type VerdictCase<'a> = (
        Option<&'a Content>,
        Option<&'a Content>,
        &'a Content,
        bool,
        Verdict,
    );

    /// Each case: previous, pending, new, force, expected.
    fn check(cases: &[VerdictCase<'_>]) {
        let catalogue = ids(0..1000);
        for (number, (previous, pending, merged, force, expected)) in cases.iter().enumerate() {
            let case = JudgementCase {
                previous: *previous,
                pending: *pending,
                catalogue: &catalogue,
                scope: None,
                is_single: false,
                limits: JudgementLimits {
                    vanished_share_max: 0.3,
                    force: *force,
                },
            };
            assert_eq!(verdict(case, merged, 100), *expected, "case {number}");
        }
    }

    #[test]
    fn a_first_listing_needs_one_current_file() {
        let (full, empty) = (content(0..100, 0..0), Content::default());
        let foreign = Suspicion::Foreign { files: 100 };
        check(&[
            (None, None, &full, false, Verdict::First),
            (None, None, &empty, false, Verdict::Suspicious(foreign)),
            (None, None, &empty, true, Verdict::Forced(foreign)),
            (
                None,
                Some(&empty),
                &empty,
                false,
                Verdict::Confirmed(foreign),
            ),
            (Some(&empty), None, &empty, false, Verdict::Ordinary),
        ]);
    }

    #[test]
    fn much_that_vanished_needs_a_second_listing_or_the_admin() {
        let (full, small, other) = (
            content(0..100, 0..0),
            content(0..60, 0..0),
            content(0..40, 0..0),
        );
        let nearly = content(0..60, 60..61);
        let vanished = Suspicion::Vanished {
            vanished: 40,
            before: 100,
        };
        let aside = Verdict::Suspicious(vanished);
        let confirmed = Verdict::Confirmed(vanished);
        check(&[
            (Some(&full), None, &full, false, Verdict::Ordinary),
            (Some(&full), None, &small, false, aside),
            (Some(&full), Some(&small), &small, false, confirmed),
            (Some(&full), Some(&other), &small, false, aside),
            (Some(&full), Some(&nearly), &small, false, confirmed),
            (Some(&full), None, &small, true, Verdict::Forced(vanished)),
            (Some(&small), Some(&other), &full, false, Verdict::Ordinary),
        ]);
    }

    #[test]
    fn only_files_that_the_catalogue_still_has_can_vanish() {
        let catalogue = ids(0..50);
        let previous = content(0..100, 0..0);
        let outdated = content(0..10, 10..50);
        let mut case = JudgementCase {
            previous: Some(&previous),
            pending: None,
            catalogue: &catalogue,
            scope: None,
            is_single: false,
            limits: JudgementLimits {
                vanished_share_max: 0.0,
                force: false,
            },
        };
        assert_eq!(verdict(case, &outdated, 50), Verdict::Ordinary);
        let empty = Verdict::Suspicious(Suspicion::Empty);
        assert_eq!(verdict(case, &outdated, 0), empty);
        // An absent subtree is no empty mirror.
        let below = ids(0..100);
        case.scope = Some(&below);
        assert_eq!(verdict(case, &outdated, 0), Verdict::Ordinary);
    }

    #[test]
    fn one_percent_of_difference_still_confirms() {
        let catalogue = ids(0..1000);
        let previous = content(0..1000, 0..0);
        for (pending, confirmed) in [(495, true), (494, false), (505, true), (506, false)] {
            let pending = content(0..pending, 0..0);
            let merged = content(0..500, 0..0);
            let case = JudgementCase {
                previous: Some(&previous),
                pending: Some(&pending),
                catalogue: &catalogue,
                scope: None,
                is_single: false,
                limits: JudgementLimits {
                    vanished_share_max: 0.3,
                    force: false,
                },
            };
            let is_confirmed = matches!(verdict(case, &merged, 500), Verdict::Confirmed(_));
            assert_eq!(is_confirmed, confirmed, "{pending:?}");
        }
    }
}
