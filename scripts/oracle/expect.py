"""What an answer has to be, by MirrorBrain's law and the recorded configuration."""

import base64
from dataclasses import dataclass, field

import law
from targets import client_of, own_origin, target_of


@dataclass
class Mirror:
    """A mirror in an expected answer: `id` in the database, or none for a fallback."""

    id: int
    identifier: str
    base_url: str
    realm: str
    geo: str


@dataclass
class Expect:
    """One of: redirect, local, missing, document, apache (the web server's own answer)."""

    answer: str
    # 0: whatever Apache says without us.
    status: int = 0
    # The file of the tree that mirrors are asked for.
    path: bytes = b""
    # Our own URL of what was asked for, unescaped.
    own: bytes = b""
    # Mirrors best first; those of one group in any order.
    groups: list = field(default_factory=list)
    digests: list = field(default_factory=list)
    # Suffixes of `own` in `Link: rel=describedby`.
    described: list = field(default_factory=list)
    stamped: bool = False


# MirrorBrainFallback of the recorded main vhost: directory → (continent, country, base URL).
FALLBACKS = {
    b"fallback/": [
        ("na", "us", "http://fallback.us.example.com/mirrors/foobar/"),
        ("eu", "de", "http://fallback.de.example.com/foobar/"),
        ("as", "jp", "ftp://fallback.jp.example.com/pub/mirrors/foobar/"),
    ]
}
# MirrorBrainRedirectStampKey.
STAMPED = b"stamp/"


class Oracle:
    """MirrorBrain, as far as redirects go: database, tree and configuration."""

    def __init__(self, dump, entries):
        self.dump = dump
        self.mirrors = {id: law.Mirror(row) for id, row in dump.mirrors.items()}
        self.entries = {entry.path: entry for entry in entries}

    def is_file(self, path):
        entry = self.entries.get(path)
        return entry is not None and entry.kind == "f"

    def groups(self, path, vhost, client):
        """Groups of mirrors for a file; none: it is served locally."""
        size = self.entries[path].size
        selection = law.select(self.mirrors, self.dump.files.get(path, []), size, client)
        if selection.rows == 0:
            return fallbacks(path, vhost, client)
        return [[self.fact(one, client) for one in group] for group in selection.groups()]

    def fact(self, candidate, client):
        mirror = self.mirrors[candidate.id]
        realm = candidate.realm
        if realm == "country" and candidate.country.lower() != (client.country or "--").lower():
            realm = "other_country"
        return Mirror(mirror.id, mirror.identifier, mirror.base_url, realm, candidate.country)

    def answer(self, path, request, vhost, ours):
        """The answer for a file that no rule keeps from being redirected.

        `ours`: Heliostat's, with the deliberate differences; else MirrorBrain's.
        """
        client = client_of(request)
        if ours:
            client.https = vhost == "tls"
            client.asn = None if client.asn == "0" else client.asn
        groups = self.groups(path, vhost, client)
        if not groups:
            return Expect("local", 200)
        own = own_origin(request, vhost) + target_of(request).path
        expect = Expect("redirect", 302, path, own, groups)
        expect.stamped = vhost == "main" and path.startswith(STAMPED)
        expect.described = [".meta4"]
        row = self.dump.hashes.get(path)
        entry = self.entries[path]
        if row and (int(row["size"]), int(row["mtime"])) == (entry.size, entry.mtime):
            self.describe(expect, row, vhost)
        return expect

    def describe(self, expect, row, vhost):
        for name, column in (("MD5", "md5"), ("SHA", "sha1"), ("SHA-256", "sha256")):
            digest = binary(row[column])
            if digest:
                expect.digests.append(f"{name}={base64.b64encode(digest).decode()}")
        if row["pgp"]:
            expect.described.append(".asc")
        # Only the main vhost names a tracker, without which there are no torrents.
        if binary(row["btih"]) and vhost == "main":
            expect.described.append(".torrent")


def binary(field):
    """PostgreSQL's hexadecimal form of bytea."""
    return bytes.fromhex(field.removeprefix(b"\\x").decode())


def fallbacks(path, vhost, client):
    """Fallbacks have score 1 and no distance, so each class is one group."""
    classes = {}
    for start, lines in FALLBACKS.items():
        if vhost != "main" or not path.startswith(start):
            continue
        for region, country, url in lines:
            if country == (client.country or "").lower():
                realm = "country"
            elif region == (client.continent or "").lower():
                realm = "region"
            else:
                realm = "other"
            host = url.split("/")[2]
            classes.setdefault(realm, []).append(Mirror(None, host, url, realm, country))
    return [classes[name] for name in law.CLASSES if name in classes]
