"""The recorded sample of a real MirrorBrain: its configuration, database, tree and answers."""

import json
import lzma
from dataclasses import dataclass
from pathlib import Path

# The ports of the recorded server, and what stands behind them.
VHOSTS = {8080: "main", 8443: "tls", 8082: "link"}


@dataclass
class Entry:
    """One entry of the tree: kind is f, d or l; size in bytes, mtime in seconds since 1970."""

    kind: str
    path: bytes
    size: int
    mtime: int
    target: bytes


@dataclass
class Request:
    """A recorded request; target and header values are the bytes of the wire."""

    method: str
    target: bytes
    version: str
    headers: list

    def header(self, name, default=None):
        for known, value in self.headers:
            if known.lower() == name.lower():
                return value
        return default


@dataclass
class Response:
    """An answer; all that came in `body`. `status` 0: the server broke off."""

    status: int
    headers: list
    body: bytes

    def all(self, name):
        return [value for known, value in self.headers if known.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None


@dataclass
class Golden:
    """A recorded case."""

    number: str
    what: str
    vhost: str
    over_ipv6: bool
    random: bool
    request: Request
    response: Response


def parse_request(raw):
    head = raw.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    method, target, version = head[0].split(b" ", 2)
    headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in head[1:]]
    headers = [(name.decode(), value) for name, value in headers]
    return Request(method.decode(), target, version.decode(), headers)


def parse_response(raw):
    if not raw:
        return Response(0, [], b"")
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in lines[1:]]
    headers = [(name.decode(), value) for name, value in headers]
    return Response(int(lines[0].split(b" ")[1]), headers, body)


def goldens(oracle):
    """All recorded cases, in their order."""
    folder = Path(oracle) / "golden"
    cases = []
    for fact in json.loads((folder / "index.json").read_text()):
        raw = (folder / f"{fact['n']}.req").read_bytes()
        answer = (folder / f"{fact['n']}.resp").read_bytes()
        cases.append(
            Golden(
                number=fact["n"],
                what=fact["desc"],
                vhost=VHOSTS[fact["port"]],
                over_ipv6=fact["v6"],
                random=fact["random"],
                request=parse_request(raw),
                response=parse_response(answer),
            )
        )
    return cases


def distributions(oracle):
    """Recorded draws: 2,000 requests of one client each."""
    return json.loads((Path(oracle) / "golden" / "distribution.json").read_text())


def tree(oracle):
    """The manifest of the recorded tree."""
    entries = []
    with lzma.open(Path(oracle) / "tree.tsv.xz") as manifest:
        next(manifest)
        for line in manifest:
            kind, path, size, mtime, target = line.rstrip(b"\n").split(b"\t")
            entries.append(Entry(kind.decode(), path, int(size), int(mtime), target))
    return entries


def unescape(field):
    """A field of PostgreSQL's COPY text; None is NULL."""
    if field == b"\\N":
        return None
    return field.replace(b"\\\\", b"\\") if b"\\" in field else field


class Dump:
    """The tables of the dump that decide: `mirrors` by id, `files` and `hashes` by path."""

    def __init__(self, oracle):
        self.mirrors = {}
        self.files = {}
        self.hashes = {}
        paths = {}
        for table, row in copied_rows(Path(oracle) / "mirrorbrain-dump.sql.xz"):
            if table == "server":
                self.mirrors[int(row["id"])] = row
            elif table == "filearr":
                paths[row["id"]] = row["path"]
                array = (row["mirrors"] or b"{}").strip(b"{}")
                self.files[row["path"]] = [int(id) for id in array.split(b",") if id]
            elif table == "hash":
                self.hashes[paths[row["file_id"]]] = row


def copied_rows(dump):
    """(table, row) of each COPY block of a plain pg_dump."""
    table = None
    with lzma.open(dump) as lines:
        for line in lines:
            line = line.rstrip(b"\n")
            if table is None:
                if line.startswith(b"COPY public."):
                    head, columns = line.split(b" (", 1)
                    table = head.removeprefix(b"COPY public.").decode()
                    columns = columns.split(b")")[0].decode().split(", ")
            elif line == b"\\.":
                table = None
            else:
                yield table, dict(zip(columns, map(unescape, line.split(b"\t"))))
