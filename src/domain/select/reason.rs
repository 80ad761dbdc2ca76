//! Reasons for which a mirror is not a candidate.

/// Why a mirror is not a candidate, or comes last; causes that hold for all requests come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The admin switched it off.
    Disabled,
    /// The prober found it down.
    Dead,
    /// The mirror counts as down because it was never probed.
    NeverProbed,
    /// Its score is 0.
    ScoreZero,
    /// The mirror has no usable base URL.
    NoBaseUrl,
    /// The mirror was never scanned.
    NeverScanned,
    /// The last scan did not find the file.
    FileMissing,
    /// The last scan found another version.
    FileOutdated,
    /// The mirror was wrong twice when redirects were followed, after a scan had seen the file
    /// there.
    Contradicted,
    /// The mirror has the file, but not all files of the repository's generation.
    OtherGeneration,
    /// The client uses https and the mirror does not offer it.
    NoHttps,
    /// The mirror can be reached over IPv6 only and the client uses IPv4.
    Ipv6Only,
    /// The mirror answers over IPv4 only and the client uses IPv6.
    Ipv4Only,
    /// The prober found the URL for this client's scheme down; another URL of the mirror answers.
    UrlDown,
    /// The mirror is private, and the client is not one of its own.
    Private,
    /// The mirror is a cache that may still have an older version of the file, or its 404.
    CacheUnsettled,
    /// The mirror is a cache that may not be asked for this path.
    CachePath,
    /// The mirror is a cache that may not get files of this size.
    CacheSize,
    /// The mirror is a cache, and the file's content changes under the same name.
    Mutable,
    /// The mirror comes last: its IPv6 address does not answer.
    DeadIpv6,
    /// The mirror comes last: it has no http URL for this http client.
    HttpsAlone,
    /// The mirror serves clients in its prefixes only.
    PrefixOnly,
    /// The mirror serves clients in its autonomous systems only.
    AsOnly,
    /// The mirror serves clients in its country only.
    CountryOnly,
    /// The mirror serves clients on its continent only.
    RegionOnly,
    /// The mirror also serves the client's country, but that has mirrors of its own.
    OtherCountryUnneeded,
    /// The mirror does not serve clients of the client's country.
    CountryBarred,
    /// The mirror is drained.
    Drained,
    /// The client named it as one that it does not want.
    ClientNot,
    /// The client's question does not want it: another country, another scheme, or enough others.
    NotAsked,
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
            Reason::Contradicted => "contradicted",
            Reason::OtherGeneration => "other-generation",
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
            Reason::CountryBarred => "country-barred",
            Reason::Drained => "drained",
            Reason::ClientNot => "client-not",
            Reason::NotAsked => "not-asked",
        }
    }

    /// The text for everybody, which does not disclose the admin's settings.
    pub fn public_text(self) -> &'static str {
        match self {
            Reason::ScoreZero => "not in use",
            Reason::Drained => "out of service for a while",
            other => other.text(),
        }
    }

    /// The text for people who run the site.
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
            Reason::Contradicted => {
                "it was asked twice since the last scan and did not serve the file; its next scan \
                 decides"
            }
            Reason::OtherGeneration => {
                "it lacks other files of this repository's generation, so that clients would \
                 get a mixed set"
            }
            Reason::NoHttps => "it has no https URL for this https client",
            Reason::Ipv6Only => "it can be reached over IPv6 only, and the client uses IPv4",
            Reason::Ipv4Only => "it answers over IPv4 only, and the client uses IPv6",
            Reason::UrlDown => {
                "its URL for this client's scheme is down; another URL of it answers"
            }
            Reason::Private => "private: only its own clients may use or see it",
            Reason::CacheUnsettled => {
                "a cache that may have an older version until its cacheTtl is over \
                 (a versionKey makes the wait unnecessary)"
            }
            Reason::CachePath => "a cache that is not asked for this path",
            Reason::CacheSize => "a cache that is not asked for files above its fileMaxsize",
            Reason::Mutable => "a cache, and this file's content changes under the same name",
            Reason::DeadIpv6 => {
                "comes last: its IPv6 address does not answer, so that clients may hang"
            }
            Reason::HttpsAlone => "comes last: it has no http URL for this http client",
            Reason::PrefixOnly => "only for clients of its network prefix",
            Reason::AsOnly => "only for clients of its autonomous system",
            Reason::CountryOnly => "only for clients of its country",
            Reason::RegionOnly => "only for clients of its continent",
            Reason::OtherCountryUnneeded => {
                "also serves the client's country, but that has mirrors of its own"
            }
            Reason::CountryBarred => "it does not serve clients of this country",
            Reason::Drained => "the admin takes it out of service for a while (`heliostat drain`)",
            Reason::ClientNot => "the client does not want it",
            Reason::NotAsked => {
                "not what the client asked for: another country or scheme, or enough others"
            }
        }
    }
}
