"""Lists of mirrors: the recorded pages and ours, element by element; and lists for yum."""

import re
from html import unescape
from urllib.parse import unquote_to_bytes

LABEL = re.compile(r'<li><span class="mirrorbrain-label">(.*?):</span> *(.*?)</li>')
ITEM = re.compile(r'<li><a href="(.*?)">.*?</a> \(([^,]*), prio (\d+)\)</li>')
LINK = re.compile(r'<li><a href="(.*?)">.*?</a>( \(.*\))?</li>')
IDS = re.compile(r'(?:id|class)="(mirrorbrain-[a-z-]+)"')
CLIENT = re.compile(r"<p>(List of best mirrors.*?)</p>")
YUM_LINES_MAX = 10
# What MirrorBrain's page has not.
NEW = re.compile(r"mirrorbrain-(map|reason|mirrors-others)")


def judge_page(verdict, case, ours, theirs):
    """The same elements with the same words in the same order, and every mirror in its place."""
    ours, theirs = ours.decode(), theirs.decode("utf-8", "replace")
    verdict.differences |= {"page", "country-name"}
    for what, of in (("elements", elements), ("labels", labels)):
        verdict.expect(what, of(ours), of(theirs))
    verdict.expect("links", links(ours, True), links(theirs, False))
    verdict.expect("client", client(ours), client(theirs))
    own, right = groups(ours, True), groups(theirs, False)
    verdict.expect("headings", [one[0] for one in own], [one[0] for one in right])
    at = places(case)
    for (_, own), (_, right) in zip(own, right):
        verdict.expect("mirrors", sorted(own), sorted(right))
        verdict.expect("order", *([at[url] for url, _, _ in group] for group in (own, right)))


def elements(text):
    return [name for name in IDS.findall(text) if not NEW.match(name)]


def plain(text):
    """What a reader sees, with one space between words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", text)).split())


def labels(text):
    """SHA-512 is new; a name with < would be taken for an element in MirrorBrain's page."""
    found = [(plain(name.rpartition('">')[2]), value) for name, value in LABEL.findall(text)]
    found = [(name, value) for name, value in found if name != "SHA-512 Hash"]
    texts = [unescape(re.sub(r"</?tt>", "", value)) for _, value in found]
    return [(name, " ".join(text.split())) for (name, _), text in zip(found, texts)]


def url(text, is_ours):
    """MirrorBrain writes names as they are, neither encoded nor escaped."""
    return unquote_to_bytes(unescape(text).encode()) if is_ours else text.encode()


def links(text, is_ours):
    part = text.split('<div id="mirrorbrain-links">')[1].split('<div id="mirrorbrain-mirrors">')[0]
    return [(url(found.group(1), is_ours), found.group(2)) for found in LINK.finditer(part)]


def client(text):
    """MirrorBrain also writes the country's name, as the web server tells it."""
    return re.sub(r" in \S+ \(([A-Z]+)\)", r" in \1", CLIENT.search(text).group(1))


def groups(text, is_ours):
    """Heading and mirrors of each group: URL, country, score."""
    parts = text.split('<div class="mirrorbrain-mirrors-grp">')[1:]
    return [
        (
            re.search(r"<h4>(.*?)</h4>", part).group(1),
            [
                (url(href, is_ours), country.lower(), score)
                for href, country, score in ITEM.findall(part.split("</ul>")[0])
            ],
        )
        for part in parts
    ]


def places(case):
    """URL of each mirror and its place in the law's order."""
    path = case.theirs.path
    found = {}
    for at, group in enumerate(case.theirs.groups):
        for one in group:
            found[one.base_url.encode() + path] = at
    return found


def page_facts(case, text):
    """What the tests in Rust compare: elements, labels, and each group's mirrors in their order."""
    text = text.decode("utf-8", "replace")
    at = places(case)
    return {
        "elements": elements(text),
        "labels": labels(text),
        "client": client(text),
        "groups": [
            {
                "heading": heading,
                "mirrors": [
                    [at[name], country, score, name.decode("utf-8", "replace")]
                    for name, country, score in found
                ],
            }
            for heading, found in groups(text, False)
        ],
    }


def judge_yum(verdict, expect, response):
    """Up to ten base URLs in the order of the law."""
    lines = response.body.decode().splitlines()
    wanted = min(YUM_LINES_MAX, sum(len(group) for group in expect.groups))
    verdict.expect("lines", len(lines), wanted)
    directory = repository(expect)
    left = [[one.base_url + directory for one in group] for group in expect.groups]
    for line in lines:
        left = [group for group in left if group]
        if line not in left[0]:
            verdict.mismatches.append(f"{line}, not of {left[0][:3]}")
            return
        left[0].remove(line)


def repository(expect):
    """The directory that a marker is of."""
    return expect.path.decode().removesuffix("repodata/repomd.xml")
