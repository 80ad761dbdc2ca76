//! Mirrors in buckets: what a store lists by prefixes, part after part.

use heliostat::domain::escape::percent_decode;

use crate::stand_in::http_site::{FILES, add, file, set_url, site_and_tree};
use crate::stand_in::odd_web::{Asked, OddWeb, Reply, status};
use crate::stand_in::scan_site::{current, last_run, set};
use crate::stand_in::site::failure;

/// Keys of a part.
const PART: usize = 2;

/// How a store says what comes next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Marker,
    LastKey,
    Token,
    /// The store gives the first part again and again.
    Stuck,
}

fn xml(body: String) -> Reply {
    Reply::Whole(
        "200 OK",
        "Content-Type: application/xml\r\n".to_owned(),
        body,
    )
}

fn argument(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|part| part.strip_prefix(name))?;
    let value = percent_decode(value.strip_prefix('=')?.as_bytes());
    Some(String::from_utf8(value).expect("a key"))
}

/// A part of the listing of a store whose keys begin with `above`, or of its directory `own`.
fn listing(above: &str, own: &str, query: &str, next: Next) -> Reply {
    let asked = argument(query, "prefix");
    let prefix = asked.clone().unwrap_or_else(|| own.to_owned());
    let delimiter = asked.is_some() || !own.is_empty();
    let after = argument(query, "marker").or_else(|| argument(query, "continuation-token"));
    let after = after.filter(|_| next != Next::Stuck).unwrap_or_default();
    let mut keys: Vec<String> = Vec::new();
    for path in FILES {
        let key = format!("{above}{path}");
        let Some(rest) = key.strip_prefix(&prefix) else {
            continue;
        };
        let end = rest.find('/').filter(|_| delimiter);
        let key = end.map_or(key.clone(), |end| format!("{prefix}{}", &rest[..=end]));
        if key > after && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.sort();
    let is_cut = keys.len() > PART;
    keys.truncate(PART);
    let mut body = format!("<ListBucketResult><Prefix>{prefix}</Prefix>");
    for key in &keys {
        body += &match key.strip_suffix('/') {
            Some(_) => format!("<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>"),
            None => format!(
                "<Contents><Key>{key}</Key><LastModified>2020-01-02T03:04:05.000Z</LastModified>\
                 <Size>{}</Size></Contents>",
                key.len() - above.len()
            ),
        };
    }
    let last = keys.last().cloned().unwrap_or_default();
    body += &match next {
        _ if !is_cut => String::new(),
        Next::Marker | Next::Stuck => format!("<NextMarker>{last}</NextMarker>"),
        Next::Token => format!("<NextContinuationToken>{last}</NextContinuationToken>"),
        Next::LastKey => String::new(),
    };
    xml(body + &format!("<IsTruncated>{is_cut}</IsTruncated></ListBucketResult>"))
}

fn no_such_key() -> Reply {
    let body = "<Error><Code>NoSuchKey</Code></Error>".to_owned();
    Reply::Whole(
        "404 Not Found",
        "Content-Type: application/xml\r\n".to_owned(),
        body,
    )
}

fn object(path: &str) -> Reply {
    let below = path.strip_prefix("/pub/").unwrap_or_default();
    if FILES.contains(&below) {
        return file(below);
    }
    no_such_key()
}

/// The bucket is the mirror.
fn at_the_base(asked: &Asked, next: Next) -> Reply {
    match asked.path.split_once('?').unwrap_or((&asked.path, "")) {
        ("/pub/", query) => listing("", "", query, next),
        (path, _) => object(path),
    }
}

/// The mirror is a part of the bucket.
fn above_the_base(asked: &Asked) -> Reply {
    match asked.path.split_once('?').unwrap_or((&asked.path, "")) {
        ("/", query) => listing("pub/", "", query, Next::Marker),
        (path, _) => object(path),
    }
}

/// A front lists directories of the bucket.
fn behind_a_front(asked: &Asked) -> Reply {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    match path.strip_prefix('/') {
        Some(own @ ("pub/" | "pub/dir/" | "pub/other/")) => {
            listing("pub/", own, query, Next::Marker)
        }
        _ => object(path),
    }
}

#[test]
fn buckets_are_listed_part_after_part() {
    let (site, _tree) = site_and_tree("");
    let id = add(&site, "m", "http://127.0.0.1:1/");
    for next in [Next::Marker, Next::LastKey, Next::Token] {
        let web = OddWeb::start(move |asked| at_the_base(asked, next));
        set_url(&site, &web.url());
        site.run_ok("heliostat-scan", &["m"]);
        assert_eq!(current(&site, id), set(&FILES));
        let is_query = |path: &String| path.contains("prefix=dir%2F");
        assert!(web.asked().iter().any(is_query), "{:?}", web.asked());
    }
    for answer in [above_the_base, behind_a_front] {
        let web = OddWeb::start(answer);
        set_url(&site, &web.url());
        site.run_ok("heliostat-scan", &["m"]);
        assert_eq!(current(&site, id), set(&FILES), "{:?}", web.asked());
        // No file was asked for by itself.
        let is_file = |path: &String| path.ends_with("/c") || path.ends_with("/e");
        assert!(!web.asked().iter().any(is_file), "{:?}", web.asked());
    }
}

#[test]
fn what_a_bucket_lost_is_gone() {
    let (site, _tree) = site_and_tree("[site.test.scan]\nvanished_share_max = 0.9");
    let web = OddWeb::start(|asked| at_the_base(asked, Next::Marker));
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    let web = OddWeb::start(|asked| match asked.path.contains("prefix=dir%2F") {
        true => xml("<ListBucketResult><Prefix>dir/</Prefix></ListBucketResult>".to_owned()),
        false => at_the_base(asked, Next::Marker),
    });
    set_url(&site, &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    assert_eq!(current(&site, id), set(&["a", "b", "other/e", "other/f"]));
}

#[test]
fn a_bucket_that_does_not_go_on_loses_nothing() {
    let (site, _tree) = site_and_tree("");
    let web = OddWeb::start(|asked| at_the_base(asked, Next::Marker));
    let id = add(&site, "m", &web.url());
    site.run_ok("heliostat-scan", &["m"]);
    type Answer = fn(&Asked) -> Reply;
    let cases: [Answer; 3] = [
        // A part with an error's status is no part, whatever it has in it.
        |asked| match (asked.path.contains("marker="), behind_a_front(asked)) {
            (true, Reply::Whole(_, head, body)) => Reply::Whole("404 Not Found", head, body),
            (_, reply) => reply,
        },
        |asked| at_the_base(asked, Next::Stuck),
        |asked| match asked.path.contains("marker=") {
            true => status("404 Not Found", ""),
            false => at_the_base(asked, Next::Marker),
        },
    ];
    for answer in cases {
        let web = OddWeb::start(answer);
        set_url(&site, &web.url());
        let (code, error) = failure(&site.run("heliostat-scan", &["m", "-v"]));
        assert!(matches!(code, Some(1 | 3)), "{error}");
        assert!(error.contains("before the index is complete"), "{error}");
        assert_eq!(current(&site, id), set(&FILES));
        assert_ne!(last_run(&site, id).outcome.as_str(), "ok");
    }
}

#[test]
fn a_key_that_no_file_can_have_is_told() {
    let (site, _tree) = site_and_tree("");
    let id = add(&site, "m", "http://127.0.0.1:1/");
    let answers: [fn(&Asked) -> Reply; 2] =
        [|asked| at_the_base(asked, Next::Marker), behind_a_front];
    for answer in answers {
        let web = OddWeb::start(move |asked| match answer(asked) {
            Reply::Whole(status, head, body) => {
                let path = asked.path.split('?').next().unwrap_or_default();
                let own = path
                    .strip_prefix('/')
                    .filter(|_| !asked.path.contains("prefix="));
                let prefix = own.filter(|own| body.contains(&format!("<Prefix>{own}</Prefix>")));
                let odd = format!(
                    "<Contents><Key>{}/odd</Key></Contents>",
                    prefix.unwrap_or("")
                );
                let end = "</ListBucketResult>";
                Reply::Whole(status, head, body.replace(end, &format!("{odd}{end}")))
            }
            reply => reply,
        });
        set_url(&site, &web.url());
        let (code, error) = failure(&site.run("heliostat-scan", &["m", "-v"]));
        assert_eq!(code, Some(3), "{error}");
        assert!(error.contains("/odd"), "{error}");
        assert_eq!(current(&site, id), set(&FILES), "{error}");
    }
}
