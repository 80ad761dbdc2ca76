//! Writes metrics as text: Prometheus' format 0.0.4, or OpenMetrics 1.0.

use std::fmt::Write;

use super::name::{Metric, MetricType};

/// The format of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricFormat {
    /// Prometheus' text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl MetricFormat {
    /// The format that an `Accept` field asks for.
    pub fn from_accept(accept: &[u8]) -> MetricFormat {
        let name = b"application/openmetrics-text";
        match accept.windows(name.len()).any(|part| part == name) {
            true => MetricFormat::OpenMetrics,
            false => MetricFormat::Prometheus,
        }
    }

    /// The content type of the text.
    pub fn mime_type(self) -> &'static str {
        match self {
            MetricFormat::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            MetricFormat::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }
}

/// The text, while it is written.
#[derive(Debug)]
pub struct Exposition {
    text: String,
    format: MetricFormat,
    /// The metric whose samples come; `None`: its head is not written yet.
    begun: Option<Metric>,
}

/// Labels of a sample.
pub type Labels<'l> = [(&'l str, &'l str)];

impl Exposition {
    /// An empty text.
    pub fn new(format: MetricFormat) -> Exposition {
        Exposition {
            text: String::with_capacity(64 * 1024),
            format,
            begun: None,
        }
    }

    /// Adds a sample; all samples of a metric must come one after the other.
    pub fn sample(&mut self, metric: Metric, labels: &Labels<'_>, value: f64) {
        self.begin(metric);
        self.line(metric.name, labels, value);
    }

    /// Adds a time in seconds since 1970, or nothing for an unknown one.
    pub fn time(&mut self, metric: Metric, labels: &Labels<'_>, at: Option<i64>) {
        if let Some(at) = at {
            self.sample(metric, labels, at as f64);
        }
    }

    /// Adds a histogram: counts per bucket, of which the last has no bound; bounds and sum in
    /// nanoseconds.
    pub fn histogram(
        &mut self,
        metric: Metric,
        labels: &Labels<'_>,
        (bounds_ns, counts): (&[u64], &[u64]),
        sum_ns: u64,
    ) {
        self.begin(metric);
        let mut below = 0;
        let seconds = |ns: u64| ns as f64 / 1e9;
        for (index, count) in counts.iter().enumerate() {
            below += count;
            let bound = bounds_ns
                .get(index)
                .map(|bound| seconds(*bound).to_string());
            let bound = bound.as_deref().unwrap_or("+Inf");
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound)]).collect();
            self.line(&format!("{}_bucket", metric.name), &labels, below as f64);
        }
        self.line(&format!("{}_sum", metric.name), labels, seconds(sum_ns));
        self.line(&format!("{}_count", metric.name), labels, below as f64);
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        if self.format == MetricFormat::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn begin(&mut self, metric: Metric) {
        if self.begun == Some(metric) {
            return;
        }
        self.begun = Some(metric);
        let kind = match metric.kind {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
        };
        // In OpenMetrics the name of a counter has no ending; its samples have.
        let name = match self.format {
            MetricFormat::OpenMetrics => metric.name.trim_end_matches("_total"),
            MetricFormat::Prometheus => metric.name,
        };
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "# HELP {name} {}", metric.help);
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &Labels<'_>, value: f64) {
        self.text.push_str(name);
        let mut before = '{';
        for (label, value) in labels {
            self.text.push(before);
            before = ',';
            self.text.push_str(label);
            self.text.push_str("=\"");
            escape_into(&mut self.text, value);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escape_into(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::{ALL, ANSWERS, BUILD_INFO, DURATION};
    use super::*;

    fn text(format: MetricFormat) -> String {
        let mut out = Exposition::new(format);
        out.sample(BUILD_INFO, &[("version", "1 \"a\\\n")], 1.0);
        out.sample(ANSWERS, &[("site", "a"), ("outcome", "redirect")], 7.0);
        out.sample(ANSWERS, &[("site", "b"), ("outcome", "redirect")], 8.0);
        out.histogram(
            DURATION,
            &[("site", "a")],
            (&[5_000, 10_000], &[1, 2, 3]),
            50_000,
        );
        out.end()
    }

    #[test]
    fn texts_follow_their_formats() {
        let prometheus = text(MetricFormat::Prometheus);
        for line in [
            "# TYPE heliostat_answers_total counter",
            "heliostat_build_info{version=\"1 \\\"a\\\\\\n\"} 1",
            "heliostat_answers_total{site=\"b\",outcome=\"redirect\"} 8",
            "heliostat_answer_duration_seconds_bucket{site=\"a\",le=\"0.00001\"} 3",
            "heliostat_answer_duration_seconds_bucket{site=\"a\",le=\"+Inf\"} 6",
            "heliostat_answer_duration_seconds_sum{site=\"a\"} 0.00005",
        ] {
            assert!(
                prometheus.lines().any(|found| found == line),
                "{line}: {prometheus}"
            );
        }
        assert_eq!(
            prometheus.matches("# TYPE heliostat_answers_total").count(),
            1
        );
        let open = text(MetricFormat::OpenMetrics);
        assert!(open.ends_with("# EOF\n") && open.contains("# TYPE heliostat_answers counter"));
        assert!(open.contains("\nheliostat_answers_total{site=\"a\""));
    }

    #[test]
    fn names_are_those_of_their_types() {
        for metric in ALL {
            let is_counter = metric.kind == MetricType::Counter;
            assert_eq!(
                metric.name.ends_with("_total"),
                is_counter,
                "{}",
                metric.name
            );
        }
    }
}
