"""Hash documents and metalinks: the recorded ones and ours, field by field."""

import re
from html import unescape
from urllib.parse import unquote_to_bytes

import pages
import seeds
from targets import target_of

DIGESTS = ("md5", "sha1", "sha256", "btih")
KINDS = (*DIGESTS, "meta4", "metalink", "torrent", "magnet", "zsync", "mirrorlist")
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
# What a field is found by, in either version; the first group counts.
FIELDS = {
    "origin": r'<origin dynamic="true">(.*?)</origin>|\sorigin="([^"]*)"',
    "name": r'<file name="([^"]*)"',
    "size": r"<size>(\d+)</size>",
    "mtime": r"<!-- <mtime>(-?\d+)</mtime> -->",
    "id": r"<!-- internal id: (\d+) -->",
    "pieces": r'<pieces length="(\d+)"',
    "signature": r"<signature [^>]*>\s*(.*?)\s*</signature>",
}


def kind_of(case):
    """Which document a case is about; a recorded document was one of an existing file."""
    target = target_of(case.request)
    accept = case.request.header("Accept", b"")
    return target.document(accept, False) or target.document(accept, True)


def judge_document(verdict, case, kind, response):
    """Notes mismatches and the deliberate differences that were met."""
    theirs = case.response
    verdict.expect("status", response.status, theirs.status)
    if verdict.mismatches:
        return
    for name in ("Content-Type", "Content-Disposition"):
        verdict.expect(name, response.header(name), theirs.header(name))
    if case.request.method == "HEAD":
        # Apache drops the body itself; over FastCGI there must be none.
        verdict.expect("body", response.body, b"")
        return
    verdict.expect("length", int(response.header("Content-Length")), len(response.body))
    recorded = dechunked(theirs)
    if kind in DIGESTS:
        verdict.expect("body", response.body, recorded)
        return
    if kind == "mirrorlist":
        pages.judge_page(verdict, case, response.body, recorded)
        return
    if kind in seeds.JUDGES:
        seeds.JUDGES[kind](verdict, case, response.body, recorded)
        return
    if case.request.header("X-Broken-Mirrors"):
        verdict.differences.add("broken-mirrors")
    else:
        judge_vary(verdict, response, theirs)
    judge_metalink(verdict, case, response.body.decode(), recorded.decode("utf-8", "replace"))


def judge_vary(verdict, response, theirs):
    vary = (response.header("Vary") or b"").lower()
    verdict.expect("Vary", vary, (theirs.header("Vary") or b"").lower())


def dechunked(response):
    if (response.header("Transfer-Encoding") or b"").lower() != b"chunked":
        return response.body
    body, rest = b"", response.body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        size = int(size, 16)
        body, rest = body + rest[:size], rest[size + 2 :]
        if size == 0:
            break
    return body


def judge_metalink(verdict, case, ours, theirs):
    verdict.differences.add("generator")
    for name, pattern in FIELDS.items():
        own, right = field(ours, pattern), field(theirs, pattern)
        if own != right and unescape(own or "") == right:
            verdict.differences.add("escaping")
            own = right
        verdict.expect(name, own, right)
    verdict.expect("hashes", hashes(ours), hashes(theirs))
    publisher = r"<publisher>.*?</publisher>"
    if 'xmlns="urn:' in theirs:
        verdict.differences.add("publisher")
        verdict.expect("publisher", *(publishers(text) for text in (ours, theirs)))
    else:
        own, right = (re.search(publisher, text, re.S).group().split() for text in (ours, theirs))
        verdict.expect("publisher", own, right)
    if "torrent" in theirs:
        verdict.differences.add("torrent-url")
    if case.request.header("X-Broken-Mirrors"):
        return
    judge_sources(verdict, case, sources(ours), sources(theirs))


def field(text, pattern):
    found = re.search(pattern, text, re.S)
    return next(group for group in found.groups() if group is not None) if found else None


def hashes(text):
    """Those of the file and those of its pieces, in their order."""
    return re.findall(r"<hash[^>]*>([0-9a-f]+)</hash>", text)


def publishers(text):
    """Name and URL, as attributes or as elements."""
    found = re.search(r'<publisher name="([^"]*)" url="([^"]*)"/>', text) or re.search(
        r"<publisher>\s*<name>(.*?)</name>\s*<url>(.*?)</url>", text, re.S
    )
    return tuple(unescape(group) for group in found.groups())


def sources(text):
    """For each of the five groups its mirrors in their order: attributes and URL."""
    groups = re.split(r"<!-- Mirrors (?:in|which) [^>]*-->", text)[1:]
    urls = re.compile(r"<url([^>]*)>([^<]*)</url>")
    return [[(dict(ATTRIBUTE.findall(a)), url) for a, url in urls.findall(g)] for g in groups]


def judge_sources(verdict, case, ours, theirs):
    """The same mirrors; those of one place in the law's order in any order among themselves."""
    at = places(case)
    verdict.expect("groups", len(ours), len(theirs))
    for own, right in zip(ours, theirs):
        own_numbers = [numbers(attributes) for attributes, _ in own]
        verdict.expect("numbers", own_numbers, [numbers(attributes) for attributes, _ in right])
        own = [comparable(verdict, one, is_ours=True) for one in own]
        right = [comparable(verdict, one, is_ours=False) for one in right]
        verdict.expect("mirrors", sorted(own, key=str), sorted(right, key=str))
        order = [[at.get(url) for _, _, url in one] for one in (own, right)]
        verdict.expect("order", *order)


def places(case):
    """URL of each mirror and its place in the law's order."""
    path = case.theirs.path
    groups = enumerate(case.theirs.groups)
    return {one.base_url.encode() + path: at for at, group in groups for one in group}


def numbers(attributes):
    return attributes.get("priority"), attributes.get("preference")


def comparable(verdict, source, is_ours):
    """Scheme, country and URL as MirrorBrain has them, but for the country's case."""
    attributes, url = source
    location = attributes.get("location", "")
    if not is_ours:
        if location != location.lower().replace("--", ""):
            verdict.differences.add("geo")
        return attributes.get("type"), location.lower().replace("--", ""), url.encode()
    plain = unquote_to_bytes(unescape(url))
    if plain != url.encode():
        verdict.differences.add("escaping")
    return attributes.get("type"), location, plain
