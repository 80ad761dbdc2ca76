"""Requests as Apache understands them before any module of ours or MirrorBrain's sees them."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import law

# Suffixes and query arguments that ask for a document about a file, not for the file.
DOCUMENTS = ("meta4", "metalink", "mirrorlist", "torrent", "zsync", "magnet")
DOCUMENTS += ("md5", "sha1", "sha256", "btih", "yumlist")


@dataclass
class Target:
    """The decoded URL path, and the query arguments as mod_form reads them."""

    path: bytes
    query: dict

    def document(self, accept, is_file):
        """Which document about a file is asked for, if any (MirrorBrain's order)."""
        suffix = self.path.rpartition(b".")[2].decode("latin-1")
        if not is_file and suffix in DOCUMENTS:
            return suffix
        for name in reversed(DOCUMENTS):
            if name.encode() in self.query:
                return name
        if b"metalink4+xml" in accept:
            return "meta4"
        return "metalink" if b"metalink+xml" in accept else None


def target_of(request):
    """Takes a request's target apart: origin, escapes, dot segments, double slashes."""
    target = re.sub(rb"^https?://[^/]*", b"", request.target)
    path, _, query = target.partition(b"?")
    names = []
    segments = unquote_to_bytes(path).split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            names = names[:-1]
        elif segment not in (b".", b""):
            names.append(segment)
    path = b"/" + b"/".join(names)
    if names and segments[-1] in (b"", b".", b".."):
        path += b"/"
    return Target(path, arguments_of(query))


def arguments_of(query):
    arguments = {}
    for part in query.split(b"&"):
        key, _, value = part.replace(b"+", b" ").partition(b"=")
        key = unquote_to_bytes(key).lower()
        if key in arguments:
            arguments[key] += b", " + unquote_to_bytes(value)
        elif key:
            arguments[key] = unquote_to_bytes(value)
    return arguments


def client_of(request):
    """The client's place, as the recorded server's SetEnvIf lines and the query made it.

    Whether a client without X-Test-IP has 127.0.0.1 or ::1 makes no difference to any mirror.
    """

    def text(name):
        value = request.header("X-Test-" + name)
        return value.decode() if value is not None else None

    query = target_of(request).query
    country = text("Country")
    wish = query.get(b"country", b"")
    if len(wish) == 2 and wish.isalnum():
        country = wish.decode()
    wish = re.match(rb"\d*", query.get(b"as", b"")).group()
    return law.Client(
        country=country,
        continent=text("Continent"),
        lat=float(text("Lat") or 0),
        lng=float(text("Lng") or 0),
        asn=wish.decode() or text("ASN"),
        ip=text("IP") or "127.0.0.1",
    )


def own_origin(request, vhost):
    """How the server calls itself to this client (UseCanonicalName Off)."""
    absolute = re.match(rb"^https?://([^/]*)", request.target)
    host = absolute.group(1) if absolute else request.header("Host")
    if host is None:
        host = b"link.example.org" if vhost == "link" else b"mb.example.org"
    if vhost == "tls":
        return b"https://" + host.lower().removesuffix(b":443")
    return b"http://" + host.lower().removesuffix(b":80")
