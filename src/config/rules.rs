//! Rules of directories: merged as MirrorBrain merges its directives, then compiled.

use regex::bytes::Regex;

use super::file::{RawAcceptRule, RawFallback, RawMetalink, RawMetalinkRules, RawRules};
use crate::domain::accept::{AcceptRule, ByAccept, MetalinkRules};
use crate::domain::pattern::Pattern;
use crate::domain::place::{CountryCode, RegionCode};
use crate::domain::rule::{
    DhtNode, Fallback, MirrorlistFrame, NetworkRule, REDIRECT_CACHE_CONTROL, Rules,
};
use crate::domain::select::HttpsToHttp;
use crate::domain::url::BaseUrl;

/// The rules of a directory below another: lists add up, single values of the deeper one win
/// (behaviour §3).
pub fn merge_rules(parent: &RawRules, child: &RawRules) -> RawRules {
    fn add<T: Clone>(parent: &[T], child: &[T]) -> Vec<T> {
        [parent, child].concat()
    }
    RawRules {
        engine: child.engine.or(parent.engine),
        min_size: child.min_size.or(parent.min_size),
        exclude_mime_types: add(&parent.exclude_mime_types, &child.exclude_mime_types),
        exclude_user_agents: add(&parent.exclude_user_agents, &child.exclude_user_agents),
        exclude_networks: add(&parent.exclude_networks, &child.exclude_networks),
        exclude_ips: add(&parent.exclude_ips, &child.exclude_ips),
        exclude_file_mask: child
            .exclude_file_mask
            .clone()
            .or(parent.exclude_file_mask.clone()),
        handle_head_locally: child.handle_head_locally.or(parent.handle_head_locally),
        redirect_stamp_key: child
            .redirect_stamp_key
            .clone()
            .or(parent.redirect_stamp_key.clone()),
        fallbacks: add(&parent.fallbacks, &child.fallbacks),
        fallback_when_ineligible: child
            .fallback_when_ineligible
            .or(parent.fallback_when_ineligible),
        fallback_when_unknown: child.fallback_when_unknown.or(parent.fallback_when_unknown),
        query: child.query.or(parent.query),
        documents: child.documents.or(parent.documents),
        hashes_suppress_filenames: child
            .hashes_suppress_filenames
            .or(parent.hashes_suppress_filenames),
        mirrorlist_style_sheet: child
            .mirrorlist_style_sheet
            .clone()
            .or(parent.mirrorlist_style_sheet.clone()),
        mirrorlist_header: child
            .mirrorlist_header
            .clone()
            .or(parent.mirrorlist_header.clone()),
        mirrorlist_footer: child
            .mirrorlist_footer
            .clone()
            .or(parent.mirrorlist_footer.clone()),
        trackers: add(&parent.trackers, &child.trackers),
        dht_nodes: add(&parent.dht_nodes, &child.dht_nodes),
        trackerless: child.trackerless.or(parent.trackerless),
        metalink_magnet_links: child.metalink_magnet_links.or(parent.metalink_magnet_links),
        metalink_torrent_add_mask: child
            .metalink_torrent_add_mask
            .clone()
            .or(parent.metalink_torrent_add_mask.clone()),
        metalink: merge_metalink(&parent.metalink, &child.metalink),
        redirect_cache_control: child
            .redirect_cache_control
            .clone()
            .or(parent.redirect_cache_control.clone()),
        https_to_http: child.https_to_http.clone().or(parent.https_to_http.clone()),
        prefer_http_for_http: child.prefer_http_for_http.or(parent.prefer_http_for_http),
    }
}

/// A directory's word on all clients comes before any that is said above it, so that the merged
/// `by_accept_agents` may have one on `*`.
fn merge_metalink(parent: &RawMetalinkRules, child: &RawMetalinkRules) -> RawMetalinkRules {
    let of_all = child.by_accept.as_ref().map(|by_accept| RawAcceptRule {
        user_agent: "*".to_owned(),
        by_accept: by_accept.clone(),
    });
    let agents = child.by_accept_agents.iter().cloned().chain(of_all);
    let agents = agents.chain(parent.by_accept_agents.iter().cloned());
    RawMetalinkRules {
        by_accept: parent.by_accept.clone(),
        by_accept_agents: agents.collect(),
        own_url: child.own_url.or(parent.own_url),
        torrent: child.torrent.or(parent.torrent),
    }
}

/// The rules of the whole tree: `[site.NAME.rules]` below `[site.NAME.metalink]`.
pub(super) fn tree_rules(rules: &RawRules, metalink: &RawMetalink) -> RawRules {
    let parent = RawRules {
        metalink: RawMetalinkRules {
            by_accept: metalink.by_accept.clone(),
            by_accept_agents: metalink.by_accept_agents.clone(),
            own_url: Some(metalink.own_url),
            torrent: Some(metalink.torrent),
        },
        ..RawRules::default()
    };
    merge_rules(&parent, rules)
}

/// Checks and compiles merged rules; an error names the key and what is wrong with its value.
pub fn compile_rules(raw: &RawRules) -> Result<Rules, (&'static str, String)> {
    let defaults = Rules::default();
    let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
    Ok(Rules {
        engine: raw.engine.unwrap_or(defaults.engine),
        min_size_bytes: raw.min_size.unwrap_or(defaults.min_size_bytes),
        exclude_mime_types: patterns(&raw.exclude_mime_types),
        exclude_user_agents: patterns(&raw.exclude_user_agents),
        exclude_networks: raw
            .exclude_networks
            .iter()
            .map(|text| NetworkRule::parse(text))
            .collect(),
        exclude_ips: raw
            .exclude_ips
            .iter()
            .map(|text| {
                text.parse()
                    .map_err(|_| ("exclude_ips", format!("'{text}' is not an IP address")))
            })
            .collect::<Result<_, _>>()?,
        exclude_file_mask: compile_mask("exclude_file_mask", &raw.exclude_file_mask)?,
        handle_head_locally: raw
            .handle_head_locally
            .unwrap_or(defaults.handle_head_locally),
        redirect_stamp_key: raw.redirect_stamp_key.clone().filter(|key| !key.is_empty()),
        fallbacks: raw
            .fallbacks
            .iter()
            .map(compile_fallback)
            .collect::<Result<_, _>>()?,
        fallback_when_ineligible: raw
            .fallback_when_ineligible
            .unwrap_or(defaults.fallback_when_ineligible),
        fallback_when_unknown: raw
            .fallback_when_unknown
            .unwrap_or(defaults.fallback_when_unknown),
        query: raw.query.unwrap_or(defaults.query),
        documents: raw.documents.unwrap_or(defaults.documents),
        hashes_suppress_filenames: raw
            .hashes_suppress_filenames
            .unwrap_or(defaults.hashes_suppress_filenames),
        trackers: raw.trackers.clone(),
        dht_nodes: raw
            .dht_nodes
            .iter()
            .map(|text| {
                DhtNode::parse(text)
                    .ok_or_else(|| ("dht_nodes", format!("'{text}' is not HOST:PORT")))
            })
            .collect::<Result<_, _>>()?,
        trackerless: raw.trackerless.unwrap_or(defaults.trackerless),
        metalink_magnet_links: raw
            .metalink_magnet_links
            .unwrap_or(defaults.metalink_magnet_links),
        metalink_torrent_add_mask: compile_mask(
            "metalink_torrent_add_mask",
            &raw.metalink_torrent_add_mask,
        )?,
        mirrorlist: compile_frame(raw),
        metalink: compile_metalink(&raw.metalink)?,
        redirect_cache_control: compile_cache_control(&raw.redirect_cache_control)?,
        https_to_http: compile_https_to_http(raw.https_to_http.as_deref())?,
        prefer_http_for_http: raw
            .prefer_http_for_http
            .unwrap_or(defaults.prefer_http_for_http),
    })
}

fn compile_https_to_http(word: Option<&str>) -> Result<HttpsToHttp, (&'static str, String)> {
    let word = word.unwrap_or(HttpsToHttp::Never.as_str());
    HttpsToHttp::from_word(word).ok_or_else(|| {
        let message = format!("'{word}' is unknown; use never, if-none or always");
        ("https_to_http", message)
    })
}

fn compile_metalink(raw: &RawMetalinkRules) -> Result<MetalinkRules, (&'static str, String)> {
    let parse = |name: &str| {
        ByAccept::parse(name).ok_or_else(|| {
            let message = format!("'{name}' is unknown; use always, unless-any or never");
            ("metalink.by_accept", message)
        })
    };
    let mut rules = Vec::new();
    for rule in &raw.by_accept_agents {
        rules.push(AcceptRule {
            user_agent: (rule.user_agent != "*").then(|| Pattern::new(&rule.user_agent)),
            by_accept: parse(&rule.by_accept)?,
        });
    }
    if let Some(by_accept) = &raw.by_accept {
        rules.push(AcceptRule {
            user_agent: None,
            by_accept: parse(by_accept)?,
        });
    }
    let mut metalink = MetalinkRules::new(rules);
    metalink.own_url = raw.own_url.unwrap_or_default();
    metalink.torrent = raw.torrent.unwrap_or_default();
    Ok(metalink)
}

fn compile_cache_control(value: &Option<String>) -> Result<String, (&'static str, String)> {
    let value = value.as_deref().unwrap_or(REDIRECT_CACHE_CONTROL).trim();
    if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let message = format!("'{}' is no value of a header field", value.escape_debug());
        return Err(("redirect_cache_control", message));
    }
    Ok(value.to_owned())
}

/// An empty value is none, so that a parameter can take one away.
fn compile_frame(raw: &RawRules) -> MirrorlistFrame {
    let file = |path: &Option<std::path::PathBuf>| {
        let path = path.as_ref();
        path.filter(|path| !path.as_os_str().is_empty()).cloned()
    };
    let sheet = raw.mirrorlist_style_sheet.as_ref();
    MirrorlistFrame {
        style_sheet: sheet.filter(|url| !url.is_empty()).cloned(),
        header: file(&raw.mirrorlist_header),
        footer: file(&raw.mirrorlist_footer),
    }
}

fn compile_mask(
    key: &'static str,
    mask: &Option<String>,
) -> Result<Option<Regex>, (&'static str, String)> {
    let mask = mask.as_deref().filter(|mask| !mask.is_empty());
    mask.map(|mask| {
        Regex::new(mask).map_err(|error| {
            let first_line = error.to_string().lines().last().unwrap_or("").to_owned();
            let message = format!("'{mask}' is no regular expression: {first_line}");
            (key, message)
        })
    })
    .transpose()
}

fn compile_fallback(raw: &RawFallback) -> Result<Fallback, (&'static str, String)> {
    let base_url = BaseUrl::parse(&raw.url).map_err(|error| {
        (
            "fallbacks",
            format!("'{}' cannot be used: {error}", raw.url),
        )
    })?;
    Ok(Fallback {
        region: RegionCode::parse(raw.region.as_bytes()),
        country: CountryCode::parse(raw.country.as_bytes()),
        base_url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_add_up_and_single_values_of_the_deeper_directory_win() {
        let parent = RawRules {
            min_size: Some(10),
            exclude_mime_types: vec!["image/*".into()],
            exclude_file_mask: Some("a".into()),
            handle_head_locally: Some(true),
            ..RawRules::default()
        };
        let child = RawRules {
            min_size: Some(4096),
            exclude_mime_types: vec!["text/xml".into()],
            exclude_file_mask: Some("b".into()),
            ..RawRules::default()
        };
        let merged = compile_rules(&merge_rules(&parent, &child)).expect("rules");
        assert_eq!(merged.min_size_bytes, 4096);
        assert_eq!(merged.exclude_mime_types.len(), 2);
        assert_eq!(
            merged
                .exclude_file_mask
                .map(|mask| mask.to_string())
                .as_deref(),
            Some("b")
        );
        assert!(
            merged.handle_head_locally,
            "inherited, unlike in MirrorBrain, whose reset is a bug"
        );
    }

    #[test]
    fn bad_values_are_named() {
        let bad = RawRules {
            exclude_file_mask: Some("(".into()),
            ..RawRules::default()
        };
        let (key, message) = compile_rules(&bad).expect_err("a bad mask");
        assert_eq!(key, "exclude_file_mask");
        assert!(message.contains("'('"), "{message}");
        let bad = RawRules {
            redirect_cache_control: Some("no-cache\nX: y".into()),
            ..RawRules::default()
        };
        let (_, message) = compile_rules(&bad).expect_err("two lines");
        assert_eq!(message, "'no-cache\\nX: y' is no value of a header field");
        let bad = RawRules {
            https_to_http: Some("sometimes".into()),
            ..RawRules::default()
        };
        let (key, message) = compile_rules(&bad).expect_err("no such word");
        assert_eq!(key, "https_to_http");
        assert!(message.contains("never, if-none or always"), "{message}");
        let bad = RawRules {
            exclude_ips: vec!["10.1".into()],
            ..RawRules::default()
        };
        assert!(
            compile_rules(&bad)
                .expect_err("a bad address")
                .1
                .contains("10.1")
        );
    }
}
