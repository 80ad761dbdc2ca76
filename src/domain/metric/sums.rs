//! Makes metrics of the sums since the responder's start.

use std::collections::BTreeMap;

use super::exposition::Exposition;
use super::name::{
    ANSWERS, COUNTRY_REDIRECTS, DURATION, LOCAL, MIRROR_BYTES, MIRROR_REDIRECTS, Metric, REDIRECTS,
    REQUESTS,
};
use crate::domain::count::column::{CountColumn, RequestKind};
use crate::domain::count::totals::{DURATION_BOUNDS_NS, Totals};

/// Sums of a site, and the mirrors that have series: those that are in the database.
pub struct SiteSeries<'t> {
    /// The site.
    pub site: &'t str,
    /// The sums.
    pub totals: &'t Totals,
    /// Names of the mirrors that are there.
    pub mirrors: Vec<&'t str>,
}

/// Adds the metrics of all sites.
pub fn write(out: &mut Exposition, sites: &[SiteSeries<'_>]) {
    grouped(out, ANSWERS, sites, ["outcome", "document", ""], |kind| {
        Some([kind.outcome, kind.document, ""])
    });
    for site in sites {
        for column in CountColumn::ALL {
            let kinds = site.totals.kinds.iter();
            let of_column = kinds.filter(|(kind, _)| kind.column == column);
            let count: u64 = of_column.map(|(_, count)| *count).sum();
            let labels = [("site", site.site), ("column", column.as_str())];
            out.sample(REQUESTS, &labels, count as f64);
        }
    }
    grouped(
        out,
        REDIRECTS,
        sites,
        ["tier", "scheme", "family"],
        |kind| {
            let labels = [kind.tier, kind.scheme, kind.family];
            (kind.outcome == "redirect").then_some(labels)
        },
    );
    grouped(out, LOCAL, sites, ["reason", "", ""], |kind| {
        (kind.outcome == "local").then_some([kind.reason, "", ""])
    });
    let mut mirrors = |metric, number: fn((u64, u64)) -> u64| {
        for site in sites {
            for mirror in &site.mirrors {
                let sums = site.totals.mirrors.get(*mirror).copied();
                let labels = [("site", site.site), ("mirror", *mirror)];
                out.sample(metric, &labels, number(sums.unwrap_or_default()) as f64);
            }
        }
    };
    mirrors(MIRROR_REDIRECTS, |(redirects, _)| redirects);
    mirrors(MIRROR_BYTES, |(_, bytes)| bytes);
    for site in sites {
        for (country, count) in &site.totals.countries {
            let country = country.as_ref().map_or("--", |code| code.as_str());
            let labels = [("site", site.site), ("country", country)];
            out.sample(COUNTRY_REDIRECTS, &labels, *count as f64);
        }
    }
    for site in sites {
        let totals = site.totals;
        let buckets = (&DURATION_BOUNDS_NS[..], &totals.durations[..]);
        out.histogram(
            DURATION,
            &[("site", site.site)],
            buckets,
            totals.durations_ns,
        );
    }
}

/// Adds requests by some of their facts; `group`: the values of these labels, or `None` for a
/// request that does not belong to the metric. An empty label is left out.
fn grouped(
    out: &mut Exposition,
    metric: Metric,
    sites: &[SiteSeries<'_>],
    labels: [&str; 3],
    group: impl Fn(&RequestKind<'static>) -> Option<[&'static str; 3]>,
) {
    for site in sites {
        let mut sums: BTreeMap<[&str; 3], u64> = BTreeMap::new();
        for (kind, count) in &site.totals.kinds {
            if let Some(values) = group(kind) {
                *sums.entry(values).or_default() += count;
            }
        }
        for (values, count) in sums {
            let pairs = labels.into_iter().zip(values);
            let named = pairs.filter(|(label, _)| !label.is_empty());
            let all: Vec<(&str, &str)> = [("site", site.site)].into_iter().chain(named).collect();
            out.sample(metric, &all, count as f64);
        }
    }
}
