//! Every metric: name, type, meaning. No label has a path, a network or an address.

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// A sum that only grows within a process; its name ends in `_total`.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Counts by upper bounds.
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name of its samples; those of a histogram have further endings.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricType,
    /// Its meaning.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($id:ident $name:literal $kind:ident $help:literal;)*) => {
        $(#[doc = $help] pub const $id: Metric = Metric {
            name: $name,
            kind: MetricType::$kind,
            help: $help,
        };)*

        /// All metrics, in their order.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    BUILD_INFO "heliostat_build_info" Gauge "The version that runs.";
    ANSWERS "heliostat_answers_total" Counter "Answers by outcome and document.";
    REQUESTS "heliostat_requests_total" Counter
        "Requests by what they count as; each counts once.";
    REDIRECTS "heliostat_redirects_total" Counter
        "Redirects by tier of the mirror, and scheme and address family of the client.";
    LOCAL "heliostat_local_total" Counter "Files that the web server served itself, by reason.";
    MIRROR_REDIRECTS "heliostat_mirror_redirects_total" Counter "Redirects by mirror.";
    MIRROR_BYTES "heliostat_mirror_promised_bytes_total" Counter
        "Bytes that redirects promised, by mirror.";
    COUNTRY_REDIRECTS "heliostat_country_redirects_total" Counter
        "Redirects by country of the client.";
    DURATION "heliostat_answer_duration_seconds" Histogram
        "Time for an answer; one answer in 16 is timed.";
    DATABASE_UP "heliostat_database_up" Gauge "Whether the mirror database can be read.";
    GEOIP_UP "heliostat_geoip_up" Gauge "Whether all GeoIP files can be used.";
    TOPOLOGY_TIME "heliostat_topology_timestamp_seconds" Gauge
        "When the oldest table of networks was made.";
    SNAPSHOT_TIME "heliostat_snapshot_timestamp_seconds" Gauge
        "When the responder last took up a change.";
    CATALOGUE_FILES "heliostat_catalogue_files" Gauge "Files in the catalogue.";
    MIRROR_UP "heliostat_mirror_up" Gauge "Whether the mirror is enabled and answers.";
    MIRROR_ENABLED "heliostat_mirror_enabled" Gauge "Whether the mirror is enabled.";
    MIRROR_SCANNED "heliostat_mirror_scanned_timestamp_seconds" Gauge
        "When the mirror was last scanned.";
    MIRROR_PROBED "heliostat_mirror_probed_timestamp_seconds" Gauge
        "When the mirror was last probed.";
    MIRROR_COVERAGE "heliostat_mirror_coverage_ratio" Gauge
        "Share of the catalogue's files that the mirror has.";
    MIRROR_CERTIFICATE "heliostat_mirror_certificate_expiry_timestamp_seconds" Gauge
        "When the first of the mirror's certificates expires.";
    MIRROR_PROBE_DURATION "heliostat_mirror_probe_duration_seconds" Gauge
        "Time of the last probe.";
    RUN_SUCCESS "heliostat_run_last_success_timestamp_seconds" Gauge
        "When a program last did all of its work.";
    RUN_DURATION "heliostat_run_last_duration_seconds" Gauge
        "Time that this run took.";
    CHECKED_REDIRECTS "heliostat_checked_redirects_total" Counter
        "Redirects that were followed as clients got them, by result.";
    CHECKED_PIECES "heliostat_checked_pieces_total" Counter
        "Pieces of files on mirrors whose bytes were compared with ours, by result.";
    CONNECTIONS "heliostat_connections" Gauge "Open connections of web servers.";
    PANICS "heliostat_panics_total" Counter "Requests that failed by a bug.";
    UNCOUNTED "heliostat_uncounted_total" Counter
        "Requests that statistics miss, or count less exactly, by reason.";
    PROCESS_CPU "process_cpu_seconds_total" Counter "User and system time.";
    PROCESS_MEMORY "process_resident_memory_bytes" Gauge "Resident memory.";
    PROCESS_FDS "process_open_fds" Gauge "Open descriptors.";
    PROCESS_START "process_start_time_seconds" Gauge "When the process was started.";
}
