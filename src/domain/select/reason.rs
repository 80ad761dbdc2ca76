//! Why a mirror is not a candidate.

/// Why a mirror is out, from the outermost cause inwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The admin switched it off.
    Disabled,
    /// The prober found it down.
    Dead,
    /// It counts as down, and no prober has looked at it yet.
    NeverProbed,
    /// Its score is 0.
    ScoreZero,
    /// It has no usable base URL.
    NoBaseUrl,
    /// It was never scanned.
    NeverScanned,
    /// The last scan did not see the file.
    FileMissing,
    /// The last scan saw another version.
    FileOutdated,
    /// The client speaks https and the mirror does not.
    NoHttps,
    /// The mirror speaks IPv6 alone and the client IPv4.
    Ipv6Only,
    /// The mirror answers over IPv4 alone and the client speaks IPv6.
    Ipv4Only,
    /// The prober found the URL for this client's scheme down; another of its URLs answers.
    UrlDown,
    /// Private, and the client is none of its own.
    Private,
    /// A cache that may still have an older version of the file, or its absence.
    CacheUnsettled,
    /// A cache that does not get this path.
    CachePath,
    /// A cache that does not get so large a file.
    CacheSize,
    /// A cache, and a name whose content changes.
    Mutable,
    /// Comes last: it has an IPv6 address that does not answer.
    DeadIpv6,
    /// Comes last: http clients cannot be sent to it over http.
    HttpsAlone,
    /// Only for clients of its prefixes.
    PrefixOnly,
    /// Only for clients of its autonomous systems.
    AsOnly,
    /// Only for clients of its country.
    CountryOnly,
    /// Only for clients of its continent.
    RegionOnly,
    /// It serves the client's country beside its own, but the country has mirrors itself.
    OtherCountryUnneeded,
}

impl Reason {
    /// Stable word for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Reason::Disabled => "disabled",
            Reason::Dead => "dead",
            Reason::NeverProbed => "never-probed",
            Reason::ScoreZero => "score-zero",
            Reason::NoBaseUrl => "no-base-url",
            Reason::NeverScanned => "never-scanned",
            Reason::FileMissing => "file-missing",
            Reason::FileOutdated => "file-outdated",
            Reason::NoHttps => "no-https",
            Reason::Ipv6Only => "ipv6-only",
            Reason::Ipv4Only => "ipv4-only",
            Reason::UrlDown => "url-down",
            Reason::Private => "private",
            Reason::CacheUnsettled => "cache-unsettled",
            Reason::CachePath => "cache-path",
            Reason::CacheSize => "cache-size",
            Reason::Mutable => "mutable",
            Reason::DeadIpv6 => "dead-ipv6",
            Reason::HttpsAlone => "https-alone",
            Reason::PrefixOnly => "prefix-only",
            Reason::AsOnly => "as-only",
            Reason::CountryOnly => "country-only",
            Reason::RegionOnly => "region-only",
            Reason::OtherCountryUnneeded => "other-country-unneeded",
        }
    }

    /// For everybody: what an admin has set for a mirror is nobody else's business.
    pub fn public_text(self) -> &'static str {
        match self {
            Reason::ScoreZero => "not in use",
            other => other.text(),
        }
    }

    /// For people who run the site.
    pub fn text(self) -> &'static str {
        match self {
            Reason::Disabled => "switched off by the admin",
            Reason::Dead => "found down by the prober",
            Reason::NeverProbed => "it counts as down and was not probed yet",
            Reason::ScoreZero => "its score is 0",
            Reason::NoBaseUrl => "it has no usable base URL",
            Reason::NeverScanned => "it was never scanned",
            Reason::FileMissing => "the last scan did not see the file there",
            Reason::FileOutdated => "the last scan saw another version there",
            Reason::NoHttps => "it has no https URL for this https client",
            Reason::Ipv6Only => "it is reached over IPv6 alone, the client uses IPv4",
            Reason::Ipv4Only => "it answers over IPv4 alone, the client uses IPv6",
            Reason::UrlDown => "its URL for this client's scheme is down, another one answers",
            Reason::Private => "private: only its own clients are sent there or hear of it",
            Reason::CacheUnsettled => {
                "a cache that may still have an older version; its cache_ttl_s is not over \
                 (a version_key needs no wait)"
            }
            Reason::CachePath => "a cache that does not get this path",
            Reason::CacheSize => "a cache that gets no files above its file_maxsize",
            Reason::Mutable => "a cache, and this name's content changes",
            Reason::DeadIpv6 => "comes last: its IPv6 address does not answer, and clients hang",
            Reason::HttpsAlone => "comes last: it has no http URL for this http client",
            Reason::PrefixOnly => "only for clients of its network prefix",
            Reason::AsOnly => "only for clients of its autonomous system",
            Reason::CountryOnly => "only for clients of its country",
            Reason::RegionOnly => "only for clients of its continent",
            Reason::OtherCountryUnneeded => {
                "stands in for the client's country, which has mirrors of its own"
            }
        }
    }
}
