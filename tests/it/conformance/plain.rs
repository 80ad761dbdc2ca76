//! Plain redirects are those of the recorded mod_mirrorbrain: status, Location, mirror, realm, the
//! order of Link fields, digests. `tests/fixtures/conformance/README.md` says what the facts are;
//! [`super::run`] compares with recorded answers themselves.

use crate::judge::case::cases;
use crate::judge::difference::differences;
use crate::judge::site::{build, mirrors, start};
use crate::stand_in::fcgi_client::Request;

#[test]
fn every_case_is_answered_as_mirrorbrain_did() {
    let site = build();
    let responder = start(&site);
    let mut client = responder.connect();
    let mirrors = mirrors();
    let tree = site.tree();
    let mut wrong = Vec::new();
    for case in cases() {
        let answer = client.send(&case.request());
        assert!(answer.errors.is_empty(), "{}: it wrote errors", case.name);
        for mismatch in case.mismatches(&answer, &mirrors, &tree) {
            wrong.push(format!("{} ({}): {mismatch}", case.name, case.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_redirect_to_a_fallback_has_the_digests_too() {
    let site = build();
    let responder = start(&site);
    let request = Request::get("/hashmix/nomirror-hashed.bin")
        .with("HELIOSTAT_SITE", "main")
        .with("MirrorBrainFallback", "eu de http://fallback.example.org/");
    let answer = responder.connect().send(&request);
    assert_eq!(answer.status, 302);
    assert_eq!(answer.all("Digest").count(), 3, "MD5, SHA and SHA-256");
}

#[test]
fn every_deliberate_difference_of_a_case_is_listed() {
    let known = differences();
    for case in cases() {
        for key in case.differs {
            assert!(
                known.contains_key(&key),
                "{}: {key} is not in docs/migrate.md",
                case.name
            );
        }
    }
}
