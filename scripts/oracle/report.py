"""Sends the cases, judges the answers and prints the table."""

import collections
import re

import documents
import wire
from judge import DIFFERENCES, Verdict, judge

# What Apache says of a file, which must be the same whoever serves it.
OF_A_FILE = ("Content-Length", "Content-Type", "Last-Modified", "ETag", "Accept-Ranges", "Allow")
# Headers between the responder and Apache, which no client may see.
INTERNAL = re.compile(r"X-MB-|X-Sendfile", re.IGNORECASE)
LATER = "a document, which is a later issue"


def law_against_records(known):
    """The law and the configuration as we read them must give every recorded answer."""
    wrong = []
    for case in known:
        if case.response is not None and case.response.status:
            for mismatch in judge(case.theirs, case.response, ours=False).mismatches:
                wrong.append(f"{case.name} ({case.what}): recorded {mismatch}")
    return wrong


def over_fastcgi(site, oracle):
    """Sends a case to the responder; None: a web server would not."""
    connection = site.connect()

    def send(case):
        if case.ours.answer == "apache":
            return None
        return wire.fastcgi(connection, wire.case_parameters(case, oracle.entries))

    return send


def through_apache(site):
    """Sends a case to Apache, as it was recorded; what is Apache's own also without us."""

    def send(case):
        port = site.ports[case.vhost]
        response = wire.http(port, case.request, case.vhost == "tls", case.over_ipv6)
        response.by_apache = True
        response.alone = None
        if case.ours.answer in ("local", "apache"):
            response.alone = wire.http(site.ports["alone"], case.request, tls=False)
        return response

    return send


def verdict_on(case, response):
    """(kind, text, keys of differences); kind: same, on purpose, later, differs."""
    if response is None:
        return "same", "the web server's own answer", ()
    if case.ours.answer == "document":
        return verdict_on_document(case, response)
    verdict = judge(case.ours, response, ours=True)
    if getattr(response, "by_apache", False):
        judge_by_apache(verdict, case, response)
    if verdict.mismatches:
        return "differs", "; ".join(verdict.mismatches), ()
    keys = sorted(case.differs | verdict.differences)
    return ("on purpose" if keys else "same"), "", keys


def verdict_on_document(case, response):
    kind = documents.kind_of(case)
    if kind not in documents.KINDS:
        return "later", LATER, ()
    verdict = Verdict()
    documents.judge_document(verdict, case, kind, response)
    if verdict.mismatches:
        return "differs", "; ".join(verdict.mismatches), ()
    keys = sorted(verdict.differences)
    return ("on purpose" if keys else "same"), "", keys


def judge_by_apache(verdict, case, response):
    """What only shows through the web server."""
    if response.joined:
        verdict.differences.add("joined")
    leaked = [name for name, _ in response.headers if INTERNAL.match(name)]
    verdict.expect("leaked", leaked, [])
    if response.alone is not None:
        judge_as_alone(verdict, response, response.alone)
    if case.response is None or not case.response.status:
        return
    if case.ours.answer in ("local", "apache"):
        for name in OF_A_FILE:
            verdict.expect(name, members(response, name), members(case.response, name))
    if case.ours.answer == "redirect":
        theirs = case.response.header("Content-Type")
        verdict.expect("type", response.header("Content-Type"), theirs)
        verdict.expect("page", page(response.body), page(case.response.body))


def judge_as_alone(verdict, response, alone):
    """Apache with us is as without us."""
    verdict.expect("status", response.status, alone.status)
    # The boundary of several ranges is random.
    parted = (alone.header("Content-Type") or b"").startswith(b"multipart/")
    for name in OF_A_FILE:
        if not (parted and name == "Content-Type"):
            verdict.expect(name, members(response, name), members(alone, name))
    if not parted:
        same = without_port(response.body) == without_port(alone.body)
        verdict.expect("same body", same, True)


def members(response, name):
    """A field's comma-separated members, in any order."""
    return sorted(part.strip() for part in (response.header(name) or b"").split(b","))


def without_port(body):
    """Pages of errors and redirects name the host's port."""
    return re.sub(rb"(mb|link)\.example\.org(:\d+)?", b"", body)


def page(body):
    """The text of a redirect's page; the doctype and the URL are judged elsewhere or not at all."""
    return re.sub(rb'<!DOCTYPE[^>]*>|href="[^"]*"', b"", body).split()


def compare(known, send, print_all):
    """Prints the table; returns the exit code."""
    counts = collections.Counter()
    reasons = collections.Counter()
    for case in known:
        kind, text, keys = verdict_on(case, send(case))
        counts[kind] += 1
        reasons.update(keys)
        if print_all or kind == "differs":
            text = text or ", ".join(keys)
            print(f"{case.name:5} {kind:10} {case.what}{': ' if text else ''}{text}")
    print()
    for kind, count in sorted(counts.items()):
        print(f"{count:5} {kind}")
    for key, reason in DIFFERENCES.items():
        print(f"      {key} ({reasons[key]}): {reason}")
    return 1 if counts["differs"] else 0
