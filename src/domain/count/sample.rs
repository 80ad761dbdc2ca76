//! A few of a minute's redirects, so that somebody may look where they lead.
//!
//! # Limits
//! [`SAMPLES_MAX`] of each minute, each with the same probability.

use std::borrow::Cow;

use crate::domain::file::FileVersion;

/// Redirects that are kept of one minute; the prober follows some of ten minutes.
pub const SAMPLES_MAX: usize = 64;

/// A redirect as a client got it; of the client it has the address family alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectSample<'t> {
    /// Canonical path of the file.
    pub path: Cow<'t, [u8]>,
    /// The version of the file.
    pub version: FileVersion,
    /// Name of the mirror.
    pub mirror: Cow<'t, str>,
    /// Scheme of the URL to which the client was sent.
    pub scheme: Cow<'t, str>,
    /// Address family of the client: `4`, `6`, or empty.
    pub family: Cow<'t, str>,
}

/// The redirects of a minute that are kept.
#[derive(Debug, Default)]
pub struct Reservoir {
    seen: u64,
    kept: Vec<RedirectSample<'static>>,
}

impl Reservoir {
    /// Shows it a redirect, which it makes and keeps if the number `draw` wants that
    /// (algorithm R).
    pub fn see(&mut self, draw: u64, make: impl FnOnce() -> RedirectSample<'static>) {
        self.seen += 1;
        if self.kept.len() < SAMPLES_MAX {
            self.kept.push(make());
        } else if let Ok(place) = usize::try_from(draw % self.seen)
            && let Some(kept) = self.kept.get_mut(place)
        {
            *kept = make();
        }
    }

    /// Those that are kept.
    pub fn kept(&self) -> &[RedirectSample<'static>] {
        &self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_redirect_is_kept_with_the_same_probability() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut early = 0;
        for _ in 0..200 {
            let mut reservoir = Reservoir::default();
            for number in 0..640u64 {
                reservoir.see(random.u64(..), || RedirectSample {
                    path: Cow::Borrowed(b"f"),
                    version: FileVersion {
                        size: number,
                        mtime: 1,
                    },
                    mirror: Cow::Borrowed("m"),
                    scheme: Cow::Borrowed("https"),
                    family: Cow::Borrowed("4"),
                });
            }
            let kept = reservoir.kept();
            assert_eq!(kept.len(), SAMPLES_MAX);
            early += kept.iter().filter(|kept| kept.version.size < 320).count();
        }
        let share = early as f64 / (200 * SAMPLES_MAX) as f64;
        assert!((share - 0.5).abs() < 0.02, "{share}");
    }
}
