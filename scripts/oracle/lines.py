"""A derived case: request and answer, in one line."""

from dataclasses import dataclass

from places import PLACES
from sample import Request


@dataclass
class Line:
    """`answer` redirect: to where the law says, or served locally when it says nowhere."""

    what: str
    vhost: str
    request: Request
    answer: str
    status: int
    path: bytes
    over_ipv6: bool = False


HOSTS = {"main": b"mb.example.org:8080", "tls": b"mb.example.org:8443"}
HOSTS["link"] = b"link.example.org:8082"
ALL = "sel/all.bin"


def client(country, **more):
    """Headers of a client in a country, with coordinates."""
    continent, lat, lng = PLACES[country]
    place = {"Country": country, "Continent": continent, "Lat": f"{lat:.2f}", "Lng": f"{lng:.2f}"}
    return headers(**place, **more)


def region(country, **more):
    """The same without coordinates."""
    return headers(Country=country, Continent=PLACES[country][0], **more)


def headers(**facts):
    """Headers that set the client's place."""
    return [("X-Test-" + name, str(value).encode()) for name, value in facts.items()]


def line(what, target, fields, answer, vhost="main", method="GET", version="HTTP/1.1"):
    """`answer`: the file that is redirected, or one of local, missing, apache."""
    if isinstance(target, str):
        target = target.encode()
    has_host = any(name in ("Host", "X-No-Host") for name, _ in fields)
    if version == "HTTP/1.1" and not has_host:
        fields = [("Host", HOSTS[vhost]), *fields]
    if not any(name == "User-Agent" for name, _ in fields):
        fields = [*fields, ("User-Agent", b"derived/1.0")]
    request = Request(method, target, version, fields)
    status = {"local": 200, "missing": 404, "apache": 0}.get(answer)
    if status is None:
        path = answer.encode() if isinstance(answer, str) else answer
        return Line(what, vhost, request, "redirect", 302, path)
    return Line(what, vhost, request, answer, status, b"")


DE = client("DE")
US = client("US")
JP = client("JP")
