"""The cases: those that were recorded, and those that follow from the description."""

import posixpath
from dataclasses import dataclass, field

import derived
from expect import Expect
from targets import client_of, target_of

# Methods that MirrorBrain leaves to Apache are Apache's own affair here too.
REDIRECTED = ("GET", "HEAD")


@dataclass
class Case:
    """A request to a vhost, with MirrorBrain's answer and, where it is known to differ, ours."""

    name: str
    what: str
    vhost: str
    over_ipv6: bool
    request: object
    theirs: Expect
    ours: Expect
    # Keys of the table of deliberate differences, beside those that show in the answer itself.
    differs: set = field(default_factory=set)
    # Only recorded cases have it.
    response: object = None


def recorded(oracle, goldens):
    return [recorded_case(oracle, golden) for golden in goldens]


def recorded_case(oracle, golden):
    theirs = recorded_answer(oracle, golden)
    ours = theirs
    if theirs.answer == "redirect":
        ours = oracle.answer(theirs.path, golden.request, golden.vhost, ours=True)
    if asks_for_directory(golden.request) and golden.vhost != "link":
        ours = Expect("directory", 200)
    if theirs.answer == "document" and b"mirrorbrain-details" in golden.response.body:
        # MirrorBrain has a page, without mirrors, of a file that is not of the tree.
        ours = theirs if theirs.groups else Expect("missing", 404)
    return Case(
        name=golden.number,
        what=golden.what,
        vhost=golden.vhost,
        over_ipv6=golden.over_ipv6,
        request=golden.request,
        theirs=theirs,
        ours=ours,
        differs=differences(theirs, ours, golden.vhost, golden.response),
        response=golden.response,
    )


def differences(theirs, ours, vhost, response=None):
    """Keys of the table of deliberate differences that tell the two answers apart."""
    keys = set()
    if response is not None and response.status == 0:
        keys.add("crash")
    if theirs.status == 404 and ours.answer == "redirect":
        return {"yum"}
    if ours.answer == "directory":
        return {"directory"}
    if theirs.answer == "document" and ours.answer == "missing":
        return {"outside"}
    if ours.stamped:
        keys.add("signed-links")
    if ours.groups != theirs.groups:
        keys.add("https" if vhost == "tls" else "as-0")
    return keys


def recorded_answer(oracle, golden):
    status = golden.response.status
    target = target_of(golden.request)
    path = target.path[1:]
    if golden.vhost == "link" and status == 404 and target.query:
        # The vhost has rules for yum, none of which fits.
        return Expect("missing", 404)
    if golden.request.method not in REDIRECTED or path == b"" or path.endswith(b"/"):
        return Expect("apache", status)
    if status in (0, 404):
        return Expect("missing", 404)
    if target.document(golden.request.header("Accept", b""), oracle.is_file(path)):
        path = real_path(oracle, path)
        client = client_of(golden.request)
        groups = oracle.groups(path, golden.vhost, client) if oracle.is_file(path) else []
        return Expect("document", status, path, groups=groups)
    if status == 302:
        return oracle.answer(path, golden.request, golden.vhost, ours=False)
    return Expect("local", status)


def asks_for_directory(request):
    target = target_of(request)
    return target.path.endswith(b"/") and b"mirrorlist" in target.query


def real_path(oracle, path):
    """The file that a document is about: without the suffix, a link resolved."""
    if path not in oracle.entries:
        path = path.rpartition(b".")[0]
    entry = oracle.entries.get(path)
    if entry is not None and entry.kind == "l":
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.target))
    return path


def derived_cases(oracle):
    cases = []
    lines = list(derived.lines())
    for number, line in enumerate(derived.yum(), start=1):
        expect = yum_answer(oracle, line)
        known = (line.vhost, line.over_ipv6, line.request, expect, expect)
        cases.append(Case(f"y{number:03}", line.what, *known))
    for number, line in enumerate(lines, start=1):
        theirs = derived_answer(oracle, line, ours=False)
        ours = derived_answer(oracle, line, ours=True)
        cases.append(
            Case(
                name=f"d{number:03}",
                what=line.what,
                vhost=line.vhost,
                over_ipv6=line.over_ipv6,
                request=line.request,
                theirs=theirs,
                ours=ours,
                differs=differences(theirs, ours, line.vhost),
            )
        )
    return cases


def derived_answer(oracle, line, ours):
    if line.answer != "redirect":
        return Expect(line.answer, line.status)
    if not ours and line.vhost == "link" and target_of(line.request).query:
        # The vhost has rules for yum, none of which fits.
        return Expect("missing", 404)
    return oracle.answer(line.path, line.request, line.vhost, ours)


def yum_answer(oracle, line):
    """The base URLs of the mirrors that have the marker."""
    if line.answer != "redirect":
        return Expect(line.answer, line.status)
    groups = oracle.groups(line.path, line.vhost, client_of(line.request))
    return Expect("yum", 200, line.path, groups=groups)
