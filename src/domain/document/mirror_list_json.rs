//! Writes `?mirrorlist&json`: the content of the page for programs (`docs/mirrorlist.md` describes
//! it).

use crate::domain::escape::hex_into;
use serde_json::{Map, Value, json};

use super::mirror_list::{ListedMirror, MirrorPage, PageClient, Subject, UnlistedMirror};
use super::name::text_of;
use crate::domain::hash::Digests;
use crate::domain::place::Coordinates;

/// Renders the document.
pub fn mirrorlist_json(page: &MirrorPage<'_>) -> Vec<u8> {
    let mut value = match &page.subject {
        Subject::File(file) => json!({
            "file": text_of(file.name),
            "size": file.version.size,
            "mtime": file.version.mtime,
            "digests": file.digests.map(digests),
        }),
        Subject::Directory(facts) => json!({
            "directory": text_of(page.path),
            "files": facts.files,
            "files_cut": facts.is_cut,
        }),
    };
    value["path"] = json!(text_of(page.path));
    value["url"] = text(page.own_url);
    value["client"] = client(&page.client);
    value["note"] = json!(page.note);
    value["mirrors"] = page.mirrors.iter().map(mirror).collect();
    value["excluded"] = page.others.iter().map(excluded).collect();
    let mut out = value.to_string().into_bytes();
    out.push(b'\n');
    out
}

/// An encoded URL as a JSON string; encoded URLs are ASCII.
fn text(url: &[u8]) -> Value {
    String::from_utf8_lossy(url).into_owned().into()
}

fn digests(known: &Digests) -> Value {
    let mut all = Map::new();
    for (name, digest) in [
        ("md5", &known.md5),
        ("sha1", &known.sha1),
        ("sha256", &known.sha256),
        ("sha512", &known.sha512),
        ("btih", &known.btih),
    ] {
        if let Some(digest) = digest {
            let mut hex = Vec::with_capacity(2 * digest.len());
            hex_into(&mut hex, digest);
            all.insert(name.to_owned(), text(&hex));
        }
    }
    Value::Object(all)
}

fn client(client: &PageClient) -> Value {
    let place = &client.place;
    json!({
        "ip": client.ip,
        "country": place.country.map(|code| code.to_string()),
        "continent": place.region.map(|code| code.to_string()),
        "asn": place.asn.map(|asn| asn.number()),
        "prefix": client.network.map(|network| network.to_string()),
    })
}

/// Rounds to six decimal places; the law's shares are no more precise.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

fn mirror(mirror: &ListedMirror<'_>) -> Value {
    let mut value = json!({
        "mirror": mirror.name,
        "url": text(&mirror.url),
        "class": mirror.tier.as_str(),
        "country": mirror.country.map(|code| code.to_string()),
        "probability": rounded(mirror.probability),
        "fallback": mirror.is_fallback,
        "distance": mirror.distance,
    });
    place_and_files(&mut value, mirror.at, mirror.files);
    value
}

fn excluded(mirror: &UnlistedMirror<'_>) -> Value {
    let mut value = json!({
        "mirror": mirror.name,
        "country": mirror.country.map(|code| code.to_string()),
        "has_file": mirror.has_file,
        "reason": mirror.reason.code(),
        "text": mirror.reason.public_text(),
    });
    place_and_files(&mut value, mirror.at, mirror.files);
    value
}

fn place_and_files(value: &mut Value, at: Option<Coordinates>, files: Option<u64>) {
    value["latitude"] = json!(at.map(|at| at.latitude));
    value["longitude"] = json!(at.map(|at| at.longitude));
    if let Some(files) = files {
        value["files"] = json!(files);
    }
}
