"""Holds an answer against what it has to be."""

import hashlib
import json
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pages

FIXTURES = Path(__file__).parents[2] / "tests" / "fixtures" / "conformance"
STAMP_KEY = b"s3cr3t"
LINKS = 5
LINK = re.compile(
    rb"^<(.*)>; rel=(describedby|duplicate)(?:; pri=(\d+))?(?:; (?:geo|type)=(.*))?$"
)

# Where Heliostat answers otherwise on purpose, with the reason; the tests in Rust read it too.
DIFFERENCES = json.loads((FIXTURES / "differences.json").read_text())


class Verdict:
    """Mismatches, and the deliberate differences that were met."""

    def __init__(self):
        self.mismatches = []
        self.differences = set()

    def expect(self, what, ours, theirs):
        if ours != theirs:
            self.mismatches.append(f"{what}: {ours!r}, not {theirs!r}")


def judge(expect, response, ours):
    """`ours`: with the deliberate differences; else the answer must be MirrorBrain's own."""
    verdict = Verdict()
    if expect.status:
        verdict.expect("status", response.status, expect.status)
    if expect.answer == "directory" and b'<div id="mirrorbrain-details">' not in response.body:
        verdict.mismatches.append("no list of mirrors")
    if expect.answer == "yum":
        pages.judge_yum(verdict, expect, response)
    if verdict.mismatches or expect.answer != "redirect":
        return verdict
    judge_redirect(verdict, expect, response, ours)
    return verdict


def plain(verdict, url, ours):
    """The URL as MirrorBrain writes it."""
    if not ours:
        return url
    decoded = unquote_to_bytes(url)
    if decoded != url:
        verdict.differences.add("encoding")
    if re.search(rb"[^!-~]|[\"<>\\^`{|}]", url):
        verdict.mismatches.append(f"not encoded: {url!r}")
    return decoded


def judge_redirect(verdict, expect, response, ours):
    links = [LINK.match(link) for link in response.all("Link")]
    if None in links:
        verdict.mismatches.append(f"Link {response.all('Link')}")
        return
    duplicates = [link for link in links if link.group(2) == b"duplicate"]
    described = [link for link in links if link.group(2) == b"describedby"]
    own = [plain(verdict, link.group(1), ours) for link in described]
    verdict.expect("described by", own, [expect.own + one.encode() for one in expect.described])
    verdict.expect("digests", [one.decode() for one in response.all("Digest")], expect.digests)
    priorities = [int(link.group(3)) for link in duplicates]
    verdict.expect("pri", priorities, list(range(1, len(duplicates) + 1)))
    order = in_order(verdict, expect, duplicates, ours)
    location = plain(verdict, response.header("Location") or b"", ours)
    if expect.stamped:
        location = without_stamp(verdict, location)
    if not order:
        return
    verdict.expect("location", location, order[0].base_url.encode() + expect.path)
    mirror = response.header("X-MirrorBrain-Mirror") or b""
    verdict.expect("mirror", mirror.decode(), order[0].identifier)
    realm = response.header("X-MirrorBrain-Realm") or b""
    verdict.expect("realm", realm.decode(), order[0].realm)


def in_order(verdict, expect, duplicates, ours):
    """The mirrors of the links; each must be of the first group that is not used up."""
    groups = [list(group) for group in expect.groups]
    wanted = min(LINKS, sum(len(group) for group in groups))
    verdict.expect("links", len(duplicates), wanted)
    order = []
    for link in duplicates:
        groups = [group for group in groups if group]
        url = plain(verdict, link.group(1), ours)
        if ours and expect.stamped:
            url = without_stamp(verdict, url)
        geo = (link.group(4) or b"").decode()
        hits = [one for one in groups[0] if one.base_url.encode() + expect.path == url]
        if not hits:
            best = [one.base_url for one in groups[0]][:3]
            verdict.mismatches.append(f"link {url!r} at {len(order) + 1}, not of {best}")
            return []
        wanted_geo = hits[0].geo.lower().replace("--", "") if ours else hits[0].geo
        if wanted_geo != hits[0].geo:
            verdict.differences.add("geo")
        verdict.expect("geo", geo, wanted_geo)
        groups[0].remove(hits[0])
        order.append(hits[0])
    return order


def without_stamp(verdict, location):
    """stamp = MD5 of "<time> <key>"."""
    match = re.match(rb"^(.*)\?time=(\d+)&stamp=([0-9a-f]{32})$", location)
    if match is None:
        verdict.mismatches.append(f"no stamp: {location!r}")
        return location
    stamp = hashlib.md5(match.group(2) + b" " + STAMP_KEY).hexdigest()
    verdict.expect("stamp", match.group(3).decode(), stamp)
    return match.group(1)
