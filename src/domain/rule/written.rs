//! The rows of rules: what `[site.NAME.rules]`, `[[site.NAME.directory]]` and the parameters of the
//! web server may set, and what becomes of it.

use std::net::IpAddr;

use regex::bytes::Regex;

use super::entry::{DhtNode, Fallback, MirrorlistFrame, NetworkRule};
use super::rollout::Rollout;
use crate::domain::accept::{AcceptRule, ByAccept, MetalinkRules};
use crate::domain::key::{
    Bounds, ConfigProblem, MergeWay, ParameterScope, ParameterText, Problem, RuleValue, list,
    or_none, section,
};
use crate::domain::pattern::Pattern;
use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::select::HttpsToHttp;
use crate::domain::url::BaseUrl;

/// The largest size that SQLite can compare with: no file is larger.
const SIZE_MAX: u64 = i64::MAX as u64;

/// The words of `metalink.by_accept`.
pub const BY_ACCEPT: Bounds = Bounds::Words(&["always", "unless-any", "never"]);

section! {
    /// The rules of one directory: MirrorBrain's directives.
    rules "" RawRules => Rules {
        /// Whether anything is redirected at all.
        engine: Option<bool> = Some(true), parameter "MirrorBrainEngine"
            => engine: bool = value;
        /// `redirect` sends redirects; `shadow` decides and logs each (`give:file (shadow:MIRROR)`)
        /// and serves the file locally. Documents that are asked for by name are the same in both.
        mode: Option<String> = Some("redirect".to_owned()),
            in Bounds::Words(&["redirect", "shadow"]), parameter "HELIOSTAT_MODE"
            => is_shadow: bool = is_shadow;
        /// The share of clients that are redirected, such as `5%`, by network (/24 for IPv4, /48
        /// for IPv6); for the others redirects are decided, logged (`give:file (rollout:MIRROR)`)
        /// and served locally. The networks of a share are always the same, and a larger share has
        /// all of a smaller one.
        rollout: Option<String> = Some("100%".to_owned()), parameter "HELIOSTAT_ROLLOUT"
            => rollout: Rollout = rollout;
        /// Smaller files, in bytes, are served locally: for them a redirect costs the client more
        /// than the file.
        min_size: Option<u64> = Some(4096), in Bounds::Whole(0, SIZE_MAX),
            parameter "MirrorBrainMinSize" => min_size_bytes: u64 = value;
        /// Content types that are served locally; `*` and `?` are wildcards.
        exclude_mime_types: Vec<String> = Vec::new(), parameter "MirrorBrainExcludeMimeType"
            => exclude_mime_types: Vec<Pattern> = patterns;
        /// Clients that are served locally, by the whole `User-Agent`; `*` and `?` are wildcards.
        exclude_user_agents: Vec<String> = Vec::new(), parameter "MirrorBrainExcludeUserAgent"
            => exclude_user_agents: Vec<Pattern> = patterns;
        /// Clients that are served locally, by network (`10.0.0.0/8`) or by the beginning of the
        /// address as text, as in MirrorBrain (`10.1.`).
        exclude_networks: Vec<String> = Vec::new(), parameter "MirrorBrainExcludeNetwork"
            => exclude_networks: Vec<NetworkRule> = networks;
        /// Clients that are served locally, by address.
        exclude_ips: Vec<String> = Vec::new(), parameter "MirrorBrainExcludeIP"
            => exclude_ips: Vec<IpAddr> = addresses;
        /// Files that are served locally: a regular expression on the decoded URL path.
        exclude_file_mask: Option<String> = None, parameter "MirrorBrainExcludeFileMask"
            => exclude_file_mask: Option<Regex> = mask;
        /// Whether HEAD is answered from the local file.
        handle_head_locally: Option<bool> = Some(false),
            parameter "MirrorBrainHandleHEADRequestLocally" => handle_head_locally: bool = value;
        /// The key that redirects are signed with; empty: they are not signed.
        redirect_stamp_key: Option<String> = None, parameter "MirrorBrainRedirectStampKey"
            => redirect_stamp_key: Option<String> = or_none;
        /// Hosts that have the whole tree, for catalogued files that no mirror has. As a parameter:
        /// `eu de http://host/path/`, separated by commas.
        fallbacks: Vec<RawFallback> = Vec::new(), parameter "MirrorBrainFallback"
            => fallbacks: Vec<Fallback> = fallbacks;
        /// Whether fallbacks also get files that mirrors have, when none of these mirrors may serve
        /// the client.
        fallback_when_ineligible: Option<bool> = Some(false),
            parameter "HELIOSTAT_FALLBACK_WHEN_INELIGIBLE"
            => fallback_when_ineligible: bool = value;
        /// Whether fallbacks also get files that the catalogue does not know, and all files while
        /// the database is away, as in MirrorBrain; nobody knows whether the fallbacks have them.
        fallback_when_unknown: Option<bool> = Some(false),
            parameter "HELIOSTAT_FALLBACK_WHEN_UNKNOWN" => fallback_when_unknown: bool = value;
        /// Whether the words of a query (`?mirrorlist`) have a meaning.
        query: Option<bool> = Some(true), parameter "FormGET" => query: bool = value;
        /// Whether there are documents about files: lists of mirrors, metalinks, hashes, torrents.
        /// A parameter can only switch them off.
        documents: Option<bool> = Some(true), parameter "HELIOSTAT_DOCUMENTS"
            => documents: bool = value;
        /// Whether `.md5` and the like give the digest alone, without the file's name.
        hashes_suppress_filenames: Option<bool> = Some(false),
            parameter "MirrorBrainHashesSuppressFilenames"
            => hashes_suppress_filenames: bool = value;
        /// URL of a style sheet for mirror lists; empty: the built-in style.
        mirrorlist_style_sheet: Option<String> = None,
            parameter "MirrorBrainMirrorlistStyleSheet" => _;
        /// File that replaces the head of mirror lists. A parameter may name files below
        /// `mirrorlist_parts` only.
        mirrorlist_header: Option<std::path::PathBuf> = None,
            parameter "MirrorBrainMirrorlistHeader" => _;
        /// File that replaces the end (`</body></html>`) of mirror lists.
        mirrorlist_footer: Option<std::path::PathBuf> = None,
            parameter "MirrorBrainMirrorlistFooter" => _;
        /// Name of the site in the title and head of mirror lists; empty: the host.
        mirrorlist_site_name: Option<String> = None => _;
        /// URL of a picture in the head of mirror lists; empty: none.
        mirrorlist_logo: Option<String> = None => _;
        /// Colour of links and buttons in mirror lists: `#rrggbb`, dark enough for white text;
        /// empty: blue.
        mirrorlist_color: Option<String> = None => _;
        /// BitTorrent trackers; the first is a torrent's `announce`. Without any there are no
        /// torrents, unless `trackerless` is set.
        trackers: Vec<String> = Vec::new(), parameter "MirrorBrainTorrentTrackerURL";
        /// Where BitTorrent clients enter the distributed hash table: `HOST:PORT` or `HOST PORT`.
        dht_nodes: Vec<String> = Vec::new(), parameter "MirrorBrainDHTNode"
            => dht_nodes: Vec<DhtNode> = dht_nodes;
        /// Whether there are torrents without a tracker, by web seeds and the distributed hash
        /// table alone.
        trackerless: Option<bool> = Some(false), parameter "HELIOSTAT_TRACKERLESS"
            => trackerless: bool = value;
        /// Whether metalinks name a magnet link, too.
        metalink_magnet_links: Option<bool> = Some(false),
            parameter "MirrorBrainMetalinkMagnetLinks" => metalink_magnet_links: bool = value;
        /// Files whose metalinks name the `.torrent` that lies beside them: a regular expression on
        /// the path below the tree.
        metalink_torrent_add_mask: Option<String> = None,
            parameter "MirrorBrainMetalinkTorrentAddMask"
            => metalink_torrent_add_mask: Option<Regex> = mask;
        /// Who gets metalinks in this directory, and what they name.
        metalink: RawMetalinkRules = RawMetalinkRules::default()
            => metalink: MetalinkRules = metalink_rules;
        /// `Cache-Control` of redirects; empty: no such field. A cache in front may be given
        /// `no-cache, stale-if-error=86400`; redirects that name a private mirror stay
        /// `private, no-cache`.
        redirect_cache_control: Option<String> = Some("private, no-cache".to_owned()),
            parameter "HELIOSTAT_REDIRECT_CACHE_CONTROL"
            => redirect_cache_control: String = cache_control;
        /// Whether https clients may be sent to http URLs, which browsers and many programs refuse:
        /// `never`, `if-none` (when no mirror that has the file takes them over https), `always`.
        https_to_http: Option<String> = Some(HttpsToHttp::Never.as_str().to_owned()),
            in Bounds::Words(&["never", "if-none", "always"]),
            parameter "HELIOSTAT_HTTPS_TO_HTTP" => https_to_http: HttpsToHttp = https_to_http;
        /// Whether http clients get a mirror's http URL where it has one, and mirrors with https
        /// alone come last: for programs that cannot follow to https.
        prefer_http_for_http: Option<bool> = Some(false),
            parameter "HELIOSTAT_PREFER_HTTP_FOR_HTTP" => prefer_http_for_http: bool = value;
    }
    also {
        /// The operator's own parts of mirror lists.
        mirrorlist: MirrorlistFrame = frame;
    }
}

section! {
    /// `metalink.*` of a directory.
    rules "metalink." RawMetalinkRules => _ {
        /// When a client gets a metalink from a file's own URL, because its `Accept` names the
        /// type. This value overrides every value above it in the tree.
        by_accept: Option<String> = None, in BY_ACCEPT, parameter "HELIOSTAT_METALINK_BY_ACCEPT";
        /// The same for some clients, before `by_accept` beside it.
        by_accept_agents: Vec<RawAcceptRule> = Vec::new();
        /// Whether `.meta4` and `.metalink` name our own URL where no mirror has the file yet.
        own_url: Option<bool> = None, parameter "HELIOSTAT_METALINK_OWN_URL";
        /// Whether metalinks name the torrent that is made of the file.
        torrent: Option<bool> = None, parameter "HELIOSTAT_METALINK_TORRENT";
    }
}

section! {
    /// One of `by_accept_agents`.
    RawAcceptRule => _ {
        /// The whole `User-Agent`, without regard to case; `*` and `?` are wildcards.
        user_agent: String = String::new();
        /// The value of `by_accept` for these clients.
        by_accept: String = String::new(), in BY_ACCEPT;
    }
}

section! {
    /// One of `fallbacks`.
    RawFallback => _ {
        /// Continent of its clients, such as `eu`.
        region: String = String::new();
        /// Country of its clients, such as `de`.
        country: String = String::new();
        /// Base URL of the tree there.
        url: String = String::new();
    }
}

/// The key of the configuration that a parameter of the web server overrides.
pub fn key_of_parameter(name: &[u8]) -> Option<&'static str> {
    let all = RawRules::PARAMETERS.iter();
    let mut all = all.chain(RawMetalinkRules::PARAMETERS);
    let found = all.find(|(key, parameter)| name == key.as_bytes() || name == parameter.as_bytes());
    found.map(|(key, _)| *key)
}

impl RawRules {
    /// The rules of a directory below another: lists add up, single values of the deeper one win.
    #[must_use]
    pub fn merge(above: &RawRules, below: &RawRules) -> RawRules {
        RawRules::merge_keys(above, below)
    }

    /// The rules with parameters of the web server in place of what is written: single values and
    /// lists. A parameter that cannot be used changes nothing and is among the problems.
    ///
    /// # Security
    /// Parameters may come from an `.htaccess`. Files that they name lie in the folder that `scope`
    /// allows; documents that the file switched off they do not switch on.
    pub fn overridden(
        &self,
        parameters: &[(&'static str, &[u8])],
        scope: &ParameterScope<'_>,
    ) -> (RawRules, Vec<ConfigProblem>) {
        let mut rules = self.clone();
        let mut problems = Vec::new();
        for (key, text) in parameters {
            let set = match key.strip_prefix("metalink.") {
                Some(inner) => rules.set_metalink_key(inner, text, scope),
                None => rules.set_key(key, text, scope),
            };
            debug_assert!(set != Ok(false), "no row for the parameter {key}");
            problems.extend(set.err());
        }
        if self.documents == Some(false) {
            rules.documents = Some(false);
        }
        (rules, problems)
    }

    fn set_metalink_key(
        &mut self,
        key: &str,
        text: &[u8],
        scope: &ParameterScope<'_>,
    ) -> Result<bool, ConfigProblem> {
        let mut below = RawMetalinkRules::default();
        let set = below.set_key(key, text, scope);
        let set = set.map_err(|problem| problem.below("metalink"))?;
        self.metalink = RuleValue::merge(&self.metalink, &below);
        Ok(set)
    }
}

impl RuleValue for RawMetalinkRules {
    const MERGE: MergeWay = MergeWay::Inside;

    /// A directory's word on all clients comes before any that is said above it, so that the
    /// merged `by_accept_agents` may have one on `*`.
    fn merge(above: &RawMetalinkRules, below: &RawMetalinkRules) -> RawMetalinkRules {
        let of_all = below.by_accept.as_ref().map(|by_accept| RawAcceptRule {
            user_agent: "*".to_owned(),
            by_accept: by_accept.clone(),
        });
        let agents = below.by_accept_agents.iter().cloned().chain(of_all);
        let agents = agents.chain(above.by_accept_agents.iter().cloned());
        RawMetalinkRules {
            by_accept: above.by_accept.clone(),
            by_accept_agents: agents.collect(),
            ..RawMetalinkRules::merge_keys(above, below)
        }
    }

    /// No parameter sets all of them at once.
    fn from_parameter(_: &[u8], _: &ParameterScope<'_>) -> Result<Self, ConfigProblem> {
        Err(ConfigProblem::new(Problem::UnknownKey, ""))
    }
}

impl ParameterText for RawAcceptRule {
    /// A parameter has a word on all clients.
    fn read(text: &[u8], scope: &ParameterScope<'_>) -> Result<RawAcceptRule, ConfigProblem> {
        Ok(RawAcceptRule {
            user_agent: "*".to_owned(),
            by_accept: String::read(text, scope)?,
        })
    }
}

impl ParameterText for RawFallback {
    /// `eu de http://host/path/`, as in MirrorBrainFallback.
    fn read(text: &[u8], scope: &ParameterScope<'_>) -> Result<RawFallback, ConfigProblem> {
        let text = String::read(text, scope)?;
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [region, country, url, ..] = words[..] else {
            let why = format!("'{}' is not REGION COUNTRY URL", text.escape_debug());
            return Err(ConfigProblem::unusable(
                why,
                "write three words, such as: eu de http://host/path/",
            ));
        };
        Ok(RawFallback {
            region: region.to_owned(),
            country: country.to_owned(),
            url: url.to_owned(),
        })
    }
}

fn value<T: Clone + Default>(value: &Option<T>) -> Result<T, ConfigProblem> {
    Ok(value.clone().unwrap_or_default())
}

fn is_shadow(word: &Option<String>) -> Result<bool, ConfigProblem> {
    // The row's bounds have refused all other words.
    Ok(word.as_deref() == Some("shadow"))
}

fn rollout(text: &Option<String>) -> Result<Rollout, ConfigProblem> {
    let Some(text) = text.as_deref() else {
        return Ok(Rollout::ALL);
    };
    Rollout::parse(text).ok_or_else(|| {
        let why = format!("'{}' is not a share of clients", text.escape_debug());
        ConfigProblem::unusable(
            why,
            "write a number from 0 to 100 and a percent sign, such as 5%",
        )
    })
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, ConfigProblem> {
    list(texts, |text| Ok(Pattern::new(text)))
}

fn networks(texts: &[String]) -> Result<Vec<NetworkRule>, ConfigProblem> {
    list(texts, |text| Ok(NetworkRule::parse(text)))
}

fn addresses(texts: &[String]) -> Result<Vec<IpAddr>, ConfigProblem> {
    list(texts, |text| {
        text.parse().map_err(|_| {
            let why = format!("'{text}' is not an IP address");
            ConfigProblem::unusable(
                why,
                "write one such as 192.0.2.7; exclude_networks has more",
            )
        })
    })
}

fn dht_nodes(texts: &[String]) -> Result<Vec<DhtNode>, ConfigProblem> {
    list(texts, |text| {
        DhtNode::parse(text).ok_or_else(|| {
            let why = format!("'{text}' is not HOST:PORT");
            ConfigProblem::unusable(why, "write one such as router.example.org:6881")
        })
    })
}

fn https_to_http(word: &Option<String>) -> Result<HttpsToHttp, ConfigProblem> {
    // The row's bounds have refused all other words.
    let word = word.as_deref().and_then(HttpsToHttp::from_word);
    Ok(word.unwrap_or(HttpsToHttp::Never))
}

fn metalink_rules(raw: &RawMetalinkRules) -> Result<MetalinkRules, ConfigProblem> {
    // The rows' bounds have refused all other words.
    let parse = |word: &str| ByAccept::parse(word).unwrap_or(ByAccept::UnlessAny);
    let mut rules = Vec::new();
    for rule in &raw.by_accept_agents {
        if rule.user_agent.is_empty() {
            let missing = ConfigProblem::new(Problem::Missing, "add user_agent = \"…\"");
            return Err(missing.below("user_agent").below("by_accept_agents"));
        }
        rules.push(AcceptRule {
            user_agent: (rule.user_agent != "*").then(|| Pattern::new(&rule.user_agent)),
            by_accept: parse(&rule.by_accept),
        });
    }
    if let Some(by_accept) = &raw.by_accept {
        rules.push(AcceptRule {
            user_agent: None,
            by_accept: parse(by_accept),
        });
    }
    let mut metalink = MetalinkRules::new(rules);
    metalink.own_url = raw.own_url.unwrap_or_default();
    metalink.torrent = raw.torrent.unwrap_or_default();
    Ok(metalink)
}

fn cache_control(value: &Option<String>) -> Result<String, ConfigProblem> {
    let value = value.as_deref().unwrap_or_default().trim();
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let why = format!("'{}' is no value of a header field", value.escape_debug());
        return Err(ConfigProblem::unusable(why, "write one line of ASCII"));
    }
    Ok(value.to_owned())
}

fn frame(raw: &RawRules) -> Result<MirrorlistFrame, ConfigProblem> {
    Ok(MirrorlistFrame {
        style_sheet: or_none(&raw.mirrorlist_style_sheet)?,
        header: or_none(&raw.mirrorlist_header)?,
        footer: or_none(&raw.mirrorlist_footer)?,
        site_name: or_none(&raw.mirrorlist_site_name)?,
        logo: or_none(&raw.mirrorlist_logo)?,
        color: match or_none(&raw.mirrorlist_color)? {
            None => None,
            Some(color) => {
                Some(dark_color(color).map_err(|problem| problem.below("mirrorlist_color"))?)
            }
        },
    })
}

/// A colour on which white text can be read.
fn dark_color(text: String) -> Result<String, ConfigProblem> {
    /// The contrast that WCAG 2.1 asks for (success criterion 1.4.3).
    const CONTRAST_MIN: f64 = 4.5;
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6);
    let number = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(number) = number else {
        let why = format!("'{text}' is no colour");
        return Err(ConfigProblem::unusable(why, "write one such as #0b57a4"));
    };
    // Relative luminance and contrast are WCAG's.
    let linear = |shift: u32| {
        let value = f64::from(number >> shift & 255) / 255.0;
        match value <= 0.03928 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    let luminance = 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0);
    if 1.05 / (luminance + 0.05) < CONTRAST_MIN {
        let why = format!("white text on '{text}' cannot be read");
        return Err(ConfigProblem::unusable(why, "write a darker colour"));
    }
    Ok(text)
}

fn mask(mask: &Option<String>) -> Result<Option<Regex>, ConfigProblem> {
    let mask = mask.as_deref().filter(|mask| !mask.is_empty());
    mask.map(|mask| {
        Regex::new(mask).map_err(|error| {
            let error = error.to_string();
            let cause = error
                .lines()
                .last()
                .unwrap_or("")
                .trim_start_matches("error: ");
            let why = format!("'{mask}' is no regular expression: {cause}");
            ConfigProblem::unusable(why, "")
        })
    })
    .transpose()
}

fn fallbacks(raw: &[RawFallback]) -> Result<Vec<Fallback>, ConfigProblem> {
    list(raw, |raw| {
        let base_url = BaseUrl::parse(&raw.url).map_err(|error| {
            let why = format!("'{}' cannot be used: {error}", raw.url);
            ConfigProblem::unusable(why, "")
        })?;
        Ok(Fallback {
            region: RegionCode::parse(raw.region.as_bytes()),
            country: CountryCode::parse(raw.country.as_bytes()),
            base_url,
        })
    })
}

impl Default for Rules {
    fn default() -> Rules {
        let defaults = RawRules::defaults();
        defaults
            .checked()
            .expect("the rows' own defaults are within their bounds")
    }
}

impl RawRules {
    /// The rules that hold where these are written; what is not set has its default.
    ///
    /// # Errors
    /// Returns the first value that cannot be used.
    pub fn compile(&self) -> Result<Rules, ConfigProblem> {
        RawRules::merge(&RawRules::defaults(), self).checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn lists_add_up_and_single_values_of_the_deeper_directory_win() {
        let above = RawRules {
            min_size: Some(10),
            exclude_mime_types: vec!["image/*".into()],
            exclude_file_mask: Some("a".into()),
            handle_head_locally: Some(true),
            ..RawRules::default()
        };
        let below = RawRules {
            min_size: Some(4096),
            exclude_mime_types: vec!["text/xml".into()],
            exclude_file_mask: Some("b".into()),
            ..RawRules::default()
        };
        let merged = RawRules::merge(&above, &below).compile().expect("rules");
        assert_eq!(merged.min_size_bytes, 4096);
        assert_eq!(merged.exclude_mime_types.len(), 2);
        let mask = merged.exclude_file_mask.map(|mask| mask.to_string());
        assert_eq!(mask.as_deref(), Some("b"));
        assert!(
            merged.handle_head_locally,
            "inherited, unlike in MirrorBrain, whose reset is a bug"
        );
    }

    #[test]
    fn bad_values_are_named() {
        type Change = fn(&mut RawRules);
        let table: [(Change, &str); 8] = [
            (
                |raw| raw.exclude_file_mask = Some("(".into()),
                "exclude_file_mask: '(' is no regular expression: unclosed group",
            ),
            (
                |raw| raw.redirect_cache_control = Some("no-cache\nX: y".into()),
                "redirect_cache_control: 'no-cache\\nX: y' is no value of a header field; write \
                 one line of ASCII",
            ),
            (
                |raw| raw.https_to_http = Some("sometimes".into()),
                "https_to_http: 'sometimes' is unknown; use never, if-none or always",
            ),
            (
                |raw| raw.mode = Some("off".into()),
                "mode: 'off' is unknown; use redirect or shadow",
            ),
            (
                |raw| raw.rollout = Some("5".into()),
                "rollout: '5' is not a share of clients; write a number from 0 to 100 and a \
                 percent sign, such as 5%",
            ),
            (
                |raw| raw.exclude_ips = vec!["10.1".into()],
                "exclude_ips: '10.1' is not an IP address; write one such as 192.0.2.7; \
                 exclude_networks has more",
            ),
            (
                |raw| raw.metalink.by_accept = Some("yes".into()),
                "metalink.by_accept: 'yes' is unknown; use always, unless-any or never",
            ),
            (
                |raw| raw.min_size = Some(u64::MAX),
                "min_size: 18446744073709551615 is out of bounds; write a number from 0 to \
                 9223372036854775807",
            ),
        ];
        for (change, expected) in table {
            let mut raw = RawRules::default();
            change(&mut raw);
            assert_eq!(raw.checked().expect_err(expected).to_string(), expected);
        }
    }

    #[test]
    fn parameters_replace_single_values_and_lists() {
        let raw = RawRules {
            min_size: Some(10),
            exclude_ips: vec!["10.0.0.1".into()],
            ..RawRules::default()
        };
        let scope = ParameterScope {
            files: Path::new(""),
        };
        let (merged, problems) = raw.overridden(
            &[
                ("min_size", b"0"),
                ("exclude_ips", b"10.0.0.2, 10.0.0.3"),
                ("handle_head_locally", b"On"),
                ("engine", b"perhaps"),
                ("fallbacks", b"eu de http://f/, na us http://g/"),
                ("metalink.by_accept", b"never"),
            ],
            &scope,
        );
        assert_eq!(merged.min_size, Some(0));
        assert_eq!(merged.exclude_ips, ["10.0.0.2", "10.0.0.3"]);
        assert_eq!(merged.handle_head_locally, Some(true));
        assert_eq!(merged.engine, None);
        assert_eq!(merged.fallbacks.len(), 2);
        assert_eq!(merged.metalink.by_accept_agents[0].user_agent, "*");
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            ["engine: 'perhaps' is neither on nor off; write on or off"]
        );
    }

    #[test]
    fn each_key_that_a_parameter_may_override_can_be_set_by_it() {
        let files = ParameterScope {
            files: Path::new("/parts"),
        };
        let all = RawRules::PARAMETERS.iter();
        let all: Vec<_> = all.chain(RawMetalinkRules::PARAMETERS).collect();
        assert!(all.len() >= 31);
        for (key, parameter) in all {
            assert_eq!(key_of_parameter(parameter.as_bytes()), Some(*key));
            assert_eq!(key_of_parameter(key.as_bytes()), Some(*key));
            let known = ["off", "7", "never", "a b http://h/"].iter().any(|text| {
                let text: &[(&'static str, &[u8])] = &[(key, text.as_bytes())];
                let (changed, problems) = RawRules::default().overridden(text, &files);
                problems.is_empty() && changed != RawRules::default()
            });
            assert!(known, "{key}");
        }
    }

    #[test]
    fn parameters_name_files_of_one_folder_alone() {
        let raw = RawRules {
            mirrorlist_header: Some("/etc/head".into()),
            documents: Some(false),
            ..RawRules::default()
        };
        for (value, parts, expected) in [
            ("/etc/shadow", "", "/etc/head"),
            ("/etc/shadow", "/srv/parts", "/etc/head"),
            ("/srv/partsx/a", "/srv/parts", "/etc/head"),
            ("/srv/parts/../shadow", "/srv/parts", "/etc/head"),
            ("../shadow", "/srv/parts", "/etc/head"),
            ("/srv/parts/a.html", "/srv/parts", "/srv/parts/a.html"),
            ("a.html", "/srv/parts", "/srv/parts/a.html"),
            ("a.html", "", "/etc/head"),
            ("", "", ""),
        ] {
            let scope = ParameterScope {
                files: Path::new(parts),
            };
            let parameters: [(&str, &[u8]); 2] = [
                ("mirrorlist_header", value.as_bytes()),
                ("documents", b"on"),
            ];
            let (merged, problems) = raw.overridden(&parameters, &scope);
            assert_eq!(merged.documents, Some(false));
            let header = merged.mirrorlist_header.expect("a header");
            assert_eq!(header, Path::new(expected), "{value} in {parts}");
            assert_eq!(!problems.is_empty(), expected == "/etc/head");
        }
    }
}
