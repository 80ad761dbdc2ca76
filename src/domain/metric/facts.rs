//! Makes metrics of the facts in a mirror database.

use super::exposition::Exposition;
use super::name::{
    CATALOGUE_FILES, CHECKED_PIECES, CHECKED_REDIRECTS, DATABASE_UP, MIRROR_CERTIFICATE,
    MIRROR_COVERAGE, MIRROR_ENABLED, MIRROR_PROBE_DURATION, MIRROR_PROBED, MIRROR_SCANNED,
    MIRROR_UP, RUN_DURATION, RUN_SUCCESS,
};

/// A mirror.
#[derive(Debug, Clone, Default)]
pub struct MirrorFacts {
    /// Its name.
    pub name: String,
    /// Whether it is enabled and answers.
    pub is_up: bool,
    /// Whether it is enabled.
    pub is_enabled: bool,
    /// When it was scanned.
    pub scanned_at: Option<i64>,
    /// When it was probed.
    pub probed_at: Option<i64>,
    /// Share of the files that it has.
    pub coverage: Option<f64>,
    /// When its first certificate expires.
    pub expires_at: Option<i64>,
    /// Scheme, family, and milliseconds of its last probes.
    pub probes: Vec<(&'static str, &'static str, u64)>,
}

/// A kind of run.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// `index`, `scan` …
    pub kind: &'static str,
    /// When one last did all of its work.
    pub success_at: i64,
    /// Seconds that it took.
    pub duration_s: i64,
}

/// A site's database.
#[derive(Debug, Clone, Default)]
pub struct DatabaseFacts {
    /// The site.
    pub site: String,
    /// Whether it can be read.
    pub is_up: bool,
    /// Files of the catalogue.
    pub files: Option<u64>,
    /// Its mirrors.
    pub mirrors: Vec<MirrorFacts>,
    /// The programs.
    pub runs: Vec<RunFacts>,
    /// Redirects that were followed, by result.
    pub redirects: Vec<(&'static str, u64)>,
    /// Pieces that were compared, by result.
    pub pieces: Vec<(&'static str, u64)>,
}

/// More mirrors have no metrics of their own: a monitoring system pays for each of them.
pub const MIRRORS_MAX: usize = 1000;

/// Adds the metrics of all sites.
pub fn write(out: &mut Exposition, sites: &[DatabaseFacts]) {
    let number = |is: bool| f64::from(u8::from(is));
    for site in sites {
        out.sample(DATABASE_UP, &[("site", &site.site)], number(site.is_up));
    }
    for site in sites {
        if let Some(files) = site.files {
            out.sample(CATALOGUE_FILES, &[("site", &site.site)], files as f64);
        }
    }
    let mirrors: Vec<(&str, &MirrorFacts)> = sites
        .iter()
        .filter(|site| site.mirrors.len() <= MIRRORS_MAX)
        .flat_map(|site| site.mirrors.iter().map(|mirror| (&*site.site, mirror)))
        .collect();
    let labels = |site: &'_ str, mirror: &'_ MirrorFacts| {
        [("site", site.to_owned()), ("mirror", mirror.name.clone())]
    };
    let mut each = |metric, value: &dyn Fn(&MirrorFacts) -> Option<f64>| {
        for (site, mirror) in &mirrors {
            if let Some(value) = value(mirror) {
                let labels = labels(site, mirror);
                let labels = labels.each_ref().map(|(name, text)| (*name, text.as_str()));
                out.sample(metric, &labels, value);
            }
        }
    };
    let time = |at: Option<i64>| at.map(|at| at as f64);
    each(MIRROR_UP, &|mirror| Some(number(mirror.is_up)));
    each(MIRROR_ENABLED, &|mirror| Some(number(mirror.is_enabled)));
    each(MIRROR_SCANNED, &|mirror| time(mirror.scanned_at));
    each(MIRROR_PROBED, &|mirror| time(mirror.probed_at));
    each(MIRROR_COVERAGE, &|mirror| mirror.coverage);
    each(MIRROR_CERTIFICATE, &|mirror| time(mirror.expires_at));
    for (site, mirror) in &mirrors {
        for (scheme, family, ms) in &mirror.probes {
            let labels = [
                ("site", *site),
                ("mirror", &mirror.name),
                ("scheme", scheme),
                ("family", family),
            ];
            out.sample(MIRROR_PROBE_DURATION, &labels, *ms as f64 / 1000.0);
        }
    }
    let runs = || {
        sites
            .iter()
            .flat_map(|site| site.runs.iter().map(move |run| (site, run)))
    };
    for (site, run) in runs() {
        let labels = [("site", &*site.site), ("kind", run.kind)];
        out.sample(RUN_SUCCESS, &labels, run.success_at as f64);
    }
    for (site, run) in runs() {
        let labels = [("site", &*site.site), ("kind", run.kind)];
        out.sample(RUN_DURATION, &labels, run.duration_s as f64);
    }
    let mut checked = |metric, of: fn(&DatabaseFacts) -> &Vec<(&'static str, u64)>| {
        for site in sites {
            for (result, count) in of(site) {
                let labels = [("site", &*site.site), ("result", *result)];
                out.sample(metric, &labels, *count as f64);
            }
        }
    };
    checked(CHECKED_REDIRECTS, |site| &site.redirects);
    checked(CHECKED_PIECES, |site| &site.pieces);
}
