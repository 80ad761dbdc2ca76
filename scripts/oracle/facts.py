"""Writes the facts that the tests in Rust hold us to: tests/fixtures/conformance."""

import json
import re
from urllib.parse import quote_from_bytes

import documents
import law
import pages
import seeds
import wire
from judge import FIXTURES
from sample import Request
from targets import client_of, target_of

MIRROR_COLUMNS = (
    "id identifier baseurl enabled status_baseurl region country asn prefix score lat lng "
    "country_only region_only as_only prefix_only other_countries file_maxsize"
).split()

# Answers that are cases of their own; documents are written for themselves.
WRITTEN = ("redirect", "local", "missing", "yum")

# What the test's client sends anyway.
USUAL = {
    "REQUEST_METHOD": b"GET",
    "REQUEST_SCHEME": b"http",
    "SERVER_PROTOCOL": b"HTTP/1.1",
    "QUERY_STRING": b"",
    "SERVER_NAME": b"mb.example.org",
    "REMOTE_ADDR": b"127.0.0.1",
    "GEOIP_ADDR": b"127.0.0.1",
    "HTTP_CONNECTION": b"close",
}


def write(oracle, cases, distributions, folder=FIXTURES):
    """All of it; returns the number of cases."""
    folder.mkdir(parents=True, exist_ok=True)
    draws = [draw_facts(oracle, distribution) for distribution in distributions]
    write_lines(draws, folder / "draws.jsonl")
    known = [case for case in cases if case.ours.answer == "document"]
    known = [case for case in known if documents.kind_of(case) in documents.KINDS]
    write_lines([document_facts(oracle, case) for case in known], folder / "documents.jsonl")
    cases = [case for case in cases if case.ours.answer in WRITTEN]
    paths = {case.ours.path for case in cases} | {case.theirs.path for case in cases}
    paths |= {case.theirs.path for case in known}
    paths |= {target_of(case.request).path[1:] for case in cases}
    write_mirrors(oracle, folder / "mirrors.tsv")
    write_files(oracle, paths, folder / "files.tsv")
    write_lines([case_facts(oracle, case) for case in cases], folder / "cases.jsonl")
    return len(cases)


def write_lines(facts, file):
    with open(file, "w", encoding="ascii") as output:
        for fact in facts:
            output.write(json.dumps(fact, separators=(",", ":")) + "\n")


def write_mirrors(oracle, file):
    with open(file, "w", encoding="ascii") as output:
        print(*MIRROR_COLUMNS, sep="\t", file=output)
        for row in oracle.dump.mirrors.values():
            print(*((row[name] or b"").decode() for name in MIRROR_COLUMNS), sep="\t", file=output)


def write_files(oracle, paths, file):
    """Every link, and every file that a case is about; ids of mirrors as ranges."""
    columns = "kind path size mtime target mirrors hash_size hash_mtime md5 sha1 sha256 btih pgp "
    columns += "piece_size pieces zsync_block zsync_lengths zsync_sums"
    with open(file, "w", encoding="ascii") as output:
        print(*columns.split(), sep="\t", file=output)
        for entry in oracle.entries.values():
            if entry.kind == "d" or (entry.kind == "f" and entry.path not in paths):
                continue
            print(*file_facts(oracle, entry), sep="\t", file=output)


def file_facts(oracle, entry):
    known = entry.path in oracle.dump.files
    mirrors = ranges(sorted(set(oracle.dump.files.get(entry.path, []))))
    facts = [entry.kind, quote_from_bytes(entry.path), entry.size, entry.mtime]
    facts += [entry.target.decode(), mirrors or ("none" if known else "")]
    row = oracle.dump.hashes.get(entry.path)
    if row is None:
        return facts + [""] * 12

    def text(name):
        return (row[name] or b"").decode().removeprefix("\\x")

    facts += [text(name) for name in ("size", "mtime", "md5", "sha1", "sha256", "btih")]
    facts.append("yes" if row["pgp"] else "")
    names = ("sha1piecesize", "sha1pieces", "zblocksize", "zhashlens", "zsums")
    return facts + [text(name) for name in names]


def ranges(ids):
    """[1, 2, 3, 7] → 1-3,7"""
    runs = []
    for id in ids:
        if runs and runs[-1][1] == id - 1:
            runs[-1][1] = id
        else:
            runs.append([id, id])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def case_facts(oracle, case):
    """One case; strings stand for bytes as in Latin-1."""
    sent = wire.case_parameters(case, oracle.entries)
    sent = {name: value for name, value in sent.items() if USUAL.get(name) != value}
    facts = {
        "name": case.name,
        "what": case.what,
        "answer": case.ours.answer,
        "parameters": {name: value.decode("latin-1") for name, value in sent.items()},
    }
    if case.differs:
        facts["differs"] = sorted(case.differs)
    if case.ours.answer == "redirect":
        facts |= redirect_facts(case.ours)
    if case.ours.answer == "yum":
        facts["path"] = pages.repository(case.ours)
        facts["groups"] = groups_facts(case.ours.groups, pages.YUM_LINES_MAX)
    return facts


def document_facts(oracle, case):
    """A recorded document: a line, or digests and the mirrors of each class in their order.

    A mirror is its place in the law's order, which several may share, its country and its URL.
    """
    sent = wire.case_parameters(case, oracle.entries)
    sent = {name: value for name, value in sent.items() if USUAL.get(name) != value}
    facts = {
        "name": case.name,
        "what": case.what,
        "parameters": {name: value.decode("latin-1") for name, value in sent.items()},
        "type": case.response.header("Content-Type").decode(),
        "disposition": (case.response.header("Content-Disposition") or b"").decode(),
    }
    if documents.kind_of(case) == "mirrorlist":
        return facts | {"page": pages.page_facts(case, documents.dechunked(case.response))}
    if documents.kind_of(case) in seeds.JUDGES:
        return facts | {"bytes": documents.dechunked(case.response).decode("latin-1")}
    text = documents.dechunked(case.response).decode()
    if not facts["disposition"]:
        return facts | {"line": text}
    if case.request.method == "HEAD" or case.request.header("X-Broken-Mirrors"):
        return facts
    facts["hashes"] = re.findall(r'<hash type="[^"]*">([0-9a-f]+)</hash>', text)
    places = documents.places(case)
    facts["mirrors"] = [
        [[places[url.encode()], found.get("location", "").lower(), url] for found, url in group]
        for group in documents.sources(text)
    ]
    return facts


def redirect_facts(expect):
    facts = {
        "path": quote_from_bytes(expect.path),
        "own": expect.own.decode("latin-1"),
        "described": expect.described,
        "groups": groups_facts(expect.groups),
    }
    if expect.digests:
        facts["digests"] = expect.digests
    if expect.stamped:
        facts["stamped"] = True
    return facts


def groups_facts(groups, most=5):
    """[realm, mirrors…] of each group that the first links may come from."""
    facts = []
    count = 0
    for group in groups:
        ids = sorted(str(one.id or one.base_url) for one in group)
        facts.append([group[0].realm, *(int(id) if id.isdigit() else id for id in ids)])
        count += len(group)
        if count >= most:
            break
    return facts


def draw_facts(oracle, distribution):
    """One class of clients: how often each mirror was drawn, and its share by the exact law."""
    fields = [(name, value.encode()) for name, value in distribution["headers"].items()]
    request = Request("GET", distribution["path"].encode(), "HTTP/1.1", fields)
    path = target_of(request).path[1:]
    first = oracle.groups(path, "main", client_of(request))[0]
    shares = law.shares([oracle.mirrors[one.id].score for one in first])
    counts = {one["mirror"]: one["count"] for one in distribution["mirrors"]}
    unknown = set(counts) - {one.identifier for one in first}
    assert not unknown, f"drawn, but in no class: {unknown}"
    sent = wire.parameters(request, "main", oracle.entries)
    sent = {name: value for name, value in sent.items() if USUAL.get(name) != value}
    return {
        "what": distribution["case"],
        "parameters": {name: value.decode("latin-1") for name, value in sent.items()},
        "draws": distribution["n"],
        "mirrors": [
            {"id": one.id, "drawn": counts.get(one.identifier, 0), "share": round(share, 6)}
            for one, share in zip(first, shares)
        ],
    }
