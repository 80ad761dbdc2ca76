//! Applies a client's wishes to the candidates.

use xxhash_rust::xxh3::xxh3_64;

use crate::decide::decision::Choice;
use crate::decide::passage::RequestPass;
use crate::domain::mirror::{MirrorCountry, MirrorId};
use crate::domain::select::{Reason, Roster};

/// Place in the deterministic order, apart from tier and distance.
fn place(path: &[u8], name: &str) -> u64 {
    xxh3_64(&[path, b"\0", name.as_bytes()].concat())
}

impl<'s> RequestPass<'_, 's> {
    /// Leaves out the mirrors that the client does not want; returns whether none is left.
    pub(in crate::decide) fn obey(
        &self,
        roster: &'s Roster,
        choices: &mut Vec<Choice<'s>>,
        excluded: &mut Vec<(MirrorId, &'s str, Reason)>,
    ) -> bool {
        let Some(wishes) = self.wishes.as_deref() else {
            return false;
        };
        let had_any = !choices.is_empty();
        choices.retain(|choice| {
            let mirror = roster.mirrors().get(choice.candidate.mirror);
            let Some(mirror) = mirror.filter(|_| !choice.is_fallback) else {
                return true;
            };
            let country = match mirror.country {
                MirrorCountry::Of(country) => Some(country),
                MirrorCountry::Unknown | MirrorCountry::Everywhere => None,
            };
            let refusal = wishes.refusal(choice, country);
            let refusal = refusal.map(|why| (mirror.id, &mirror.identifier[..], why));
            let stays = refusal.is_none();
            excluded.extend(refusal);
            stays
        });
        had_any && choices.is_empty()
    }

    /// Shortens a list to the length that the client wants.
    pub(in crate::decide) fn limit(&self, choices: &mut Vec<Choice<'s>>) {
        if let Some(limit) = self.wishes.as_deref().and_then(|wishes| wishes.limit) {
            choices.truncate(limit);
        }
    }

    /// Puts the mirror that `try=` wants first. The order depends on nothing but the client's place
    /// and the file, so that the next number is another mirror.
    pub(in crate::decide) fn skip_tried(&self, choices: &mut Vec<Choice<'s>>, path: &[u8]) {
        let Some(nth) = self.wishes.as_deref().and_then(|wishes| wishes.nth) else {
            return;
        };
        choices.sort_by_cached_key(|choice| {
            let candidate = &choice.candidate;
            (
                candidate.tier,
                candidate.handicapped,
                place(path, &choice.name),
            )
        });
        choices.drain(..(nth - 1).min(choices.len()));
    }
}
