"""Cases that nobody recorded: what MirrorBrain answered follows from its description, its law and
from recorded cases beside them. Tables: what, target, client, answer.
"""

from dataclasses import dataclass

from sample import Request

# Country, continent, latitude and longitude of clients; the first nine were recorded too.
PLACES = {
    "DE": ("EU", 52.52, 13.40),
    "BR": ("SA", -23.55, -46.63),
    "NG": ("AF", 6.45, 3.39),
    "FJ": ("OC", -17.0, -179.9),
    "BE": ("EU", 50.85, 4.35),
    "JP": ("AS", 35.68, 139.69),
    "US": ("NA", 40.71, -74.00),
    "CA": ("NA", 45.42, -75.70),
    "MX": ("NA", 19.43, -99.13),
    "CR": ("NA", 9.93, -84.08),
    "AR": ("SA", -34.60, -58.38),
    "CL": ("SA", -33.45, -70.67),
    "CO": ("SA", 4.71, -74.07),
    "EC": ("SA", -0.18, -78.47),
    "PE": ("SA", -12.05, -77.04),
    "FR": ("EU", 48.86, 2.35),
    "GB": ("EU", 51.51, -0.13),
    "NL": ("EU", 52.37, 4.90),
    "IT": ("EU", 41.90, 12.50),
    "ES": ("EU", 40.42, -3.70),
    "PT": ("EU", 38.72, -9.14),
    "CH": ("EU", 46.95, 7.45),
    "AT": ("EU", 48.21, 16.37),
    "CZ": ("EU", 50.08, 14.44),
    "PL": ("EU", 52.23, 21.01),
    "SE": ("EU", 59.33, 18.07),
    "NO": ("EU", 59.91, 10.75),
    "FI": ("EU", 60.17, 24.94),
    "DK": ("EU", 55.68, 12.57),
    "HU": ("EU", 47.50, 19.04),
    "RO": ("EU", 44.43, 26.10),
    "BG": ("EU", 42.70, 23.32),
    "GR": ("EU", 37.98, 23.73),
    "UA": ("EU", 50.45, 30.52),
    "RU": ("EU", 55.75, 37.62),
    "TR": ("EU", 39.93, 32.86),
    "IE": ("EU", 53.35, -6.26),
    "CN": ("AS", 39.90, 116.41),
    "KR": ("AS", 37.57, 126.98),
    "TW": ("AS", 25.03, 121.57),
    "IN": ("AS", 28.61, 77.21),
    "ID": ("AS", -6.21, 106.85),
    "SG": ("AS", 1.35, 103.82),
    "TH": ("AS", 13.76, 100.50),
    "IL": ("AS", 31.77, 35.21),
    "KZ": ("AS", 51.17, 71.45),
    "AU": ("OC", -35.28, 149.13),
    "NZ": ("OC", -41.29, 174.78),
    "ZA": ("AF", -25.75, 28.19),
    "KE": ("AF", -1.29, 36.82),
    "MA": ("AF", 34.02, -6.83),
    # No mirror of their own; some are in another's other_countries.
    "LU": ("EU", 49.61, 6.13),
    "MT": ("EU", 35.90, 14.51),
    "SM": ("EU", 43.94, 12.46),
    "SI": ("EU", 46.06, 14.51),
    "LI": ("EU", 47.14, 9.52),
    "HR": ("EU", 45.81, 15.98),
    "BA": ("EU", 43.86, 18.41),
    "IS": ("EU", 64.15, -21.94),
    "PG": ("OC", -9.44, 147.18),
    "NC": ("OC", -22.27, 166.46),
    "EG": ("AF", 30.04, 31.24),
    "GL": ("NA", 64.18, -51.69),
    "AQ": ("AN", -75.25, -0.07),
}


@dataclass
class Line:
    """`answer` redirect: to where the law says, or served locally when it says nowhere."""

    what: str
    vhost: str
    request: Request
    answer: str
    status: int
    path: bytes


def client(country, **more):
    """Headers of a client in a country, with coordinates."""
    continent, lat, lng = PLACES[country]
    place = {"Country": country, "Continent": continent, "Lat": f"{lat:.2f}", "Lng": f"{lng:.2f}"}
    return headers(**place, **more)


def region(country, **more):
    """The same without coordinates."""
    return headers(Country=country, Continent=PLACES[country][0], **more)


def headers(**facts):
    """X-Test-* headers; a name with an underscore is an HTTP header as it is."""
    fields = []
    for name, value in facts.items():
        name = name.replace("_", "-").strip("-") if "_" in name else "X-Test-" + name
        fields.append((name, str(value).encode()))
    return fields


DE = client("DE")
US = client("US")
JP = client("JP")


def lines():
    """All of them, in an order that only grows at its end."""
    yield from places()
    yield from odd_places()
    yield from networks()
    yield from arguments()
    yield from files()
    yield from exclusions()
    yield from names()
    yield from links()
    yield from absent()
    yield from directories()
    yield from wire()
    yield from hashes()
    yield from vhosts()


HOSTS = {"main": b"mb.example.org:8080", "tls": b"mb.example.org:8443"}
HOSTS["link"] = b"link.example.org:8082"


def line(what, target, fields, answer, vhost="main", method="GET", version="HTTP/1.1"):
    """`answer`: the file that is redirected, or one of local, missing."""
    if isinstance(target, str):
        target = target.encode()
    has_host = any(name == "Host" for name, _ in fields)
    if version == "HTTP/1.1" and not has_host:
        fields = [("Host", HOSTS[vhost]), *fields]
    if not any(name == "User-Agent" for name, _ in fields):
        fields = [*fields, ("User-Agent", b"derived/1.0")]
    request = Request(method, target, version, fields)
    status = {"local": 200, "missing": 404}.get(answer)
    if status is None:
        path = answer.encode() if isinstance(answer, str) else answer
        return Line(what, vhost, request, "redirect", 302, path)
    return Line(what, vhost, request, answer, status, b"")


ALL = "sel/all.bin"


def places():
    for country in PLACES:
        yield line(f"{country} with coordinates", "/sel/all.bin", client(country), ALL)
    for country in PLACES:
        yield line(f"{country} without coordinates", "/sel/all.bin", region(country), ALL)


def odd_places():
    de = {"Country": "DE", "Continent": "EU"}
    for what, facts in (
        ("country only", {"Country": "DE"}),
        ("continent only", {"Continent": "EU"}),
        ("continent and coordinates only", {"Continent": "EU", "Lat": 52.52, "Lng": 13.40}),
        ("coordinates only", {"Lat": 52.52, "Lng": 13.40}),
        ("codes in lower case", {"Country": "de", "Continent": "eu"}),
        ("country --", {"Country": "--", "Continent": "EU"}),
        ("country EU of old databases", {"Country": "EU", "Continent": "EU"}),
        ("country A1", {"Country": "A1", "Continent": "EU"}),
        ("latitude only", de | {"Lat": 52.52}),
        ("longitude only", de | {"Lng": 13.40}),
        ("latitude 0 is none", de | {"Lat": "0.0000", "Lng": 13.40}),
        ("longitude 0 is none", de | {"Lat": 52.52, "Lng": 0}),
        ("both 0", de | {"Lat": 0, "Lng": 0}),
        ("country abroad of the coordinates", de | {"Lat": 35.68, "Lng": 139.69}),
        ("continent abroad of the country", {"Country": "DE", "Continent": "AS"}),
        ("date line from the east", {"Country": "FJ", "Continent": "OC", "Lat": -17, "Lng": 179.9}),
        ("coordinates with six digits", de | {"Lat": "52.520008", "Lng": "13.404954"}),
    ):
        yield line(what, "/sel/all.bin", headers(**facts), ALL)


def networks():
    for asn in (64500, 64501, 64502, 64503, 64510, 64511, 64513, 64520, 0, 1, 64050):
        for country in ("DE", "JP"):
            yield line(
                f"AS {asn} from {country}", "/sel/all.bin", client(country, ASN=asn), ALL
            )
        for file in ("sel/as-only.bin", "sel/prefix-only.bin"):
            yield line(f"AS {asn}, {file}", f"/{file}", client("DE", ASN=asn), file)
    yield line("AS without coordinates", "/sel/all.bin", region("JP", ASN=64510), ALL)
    yield line("as_only from the country", "/sel/as-only.bin", US, "sel/as-only.bin")
    yield line("as_only, unknown place", "/sel/as-only.bin", headers(ASN=64500), "sel/as-only.bin")
    for ip in (
        "192.0.2.0",
        "192.0.2.1",
        "192.0.2.127",
        "192.0.2.128",
        "192.0.2.200",
        "192.0.2.201",
        "198.51.100.10",
        "198.51.100.127",
        "198.51.100.128",
        "198.51.100.200",
        "203.0.113.0",
        "203.0.113.255",
        "203.0.114.1",
        "2001:db8:a::1",
        "2001:db8:a:ffff::1",
        "2001:db8:b::1",
        "::1",
    ):
        yield line(f"address {ip}", "/sel/all.bin", client("JP", IP=ip), ALL)
        file = "sel/prefix-only.bin"
        yield line(f"address {ip}, {file}", f"/{file}", client("US", IP=ip), file)
    inside = {"IP": "192.0.2.5", "ASN": 64500}
    yield line("prefix before AS", "/sel/all.bin", client("FR", **inside), ALL)
    yield line("prefix without coordinates", "/sel/all.bin", region("FR", IP="192.0.2.5"), ALL)
    yield line("prefix, place unknown", "/sel/all.bin", headers(IP="192.0.2.5"), ALL)
    yield line("two prefixes, no coordinates", "/sel/all.bin", region("JP", IP="198.51.100.200"), ALL)
    yield line("PFX alone says nothing", "/sel/all.bin", client("JP", PFX="192.0.2.0/25"), ALL)
    for what, fields in (("DE", DE), ("no place", [])):
        fields = [*fields, ("X-Test-No-Addr", b"1")]
        yield line(f"no GEOIP_ADDR, {what}", "/sel/all.bin", fields, ALL)
        yield line(f"no GEOIP_ADDR, {what}, small", "/small/size-1.bin", fields, "local")
    yield line("address that is none", "/sel/all.bin", client("JP", IP="unknown"), ALL)


def arguments():
    for query in (
        "country=US",
        "country=us",
        "country=be",
        "country=fj",
        "country=xx",
        "country=",
        "country",
        "country=u",
        "country=usa",
        "country=u-",
        "country=%2A%2A",
        "country=%75%73",
        "country=us&country=jp",
        "COUNTRY=jp",
        "country=jp&as=64510",
        "as=64510",
        "as=64510x",
        "as=x64510",
        "as=",
        "as=0",
        "as=64502",
        "as=64500&as=64501",
        "newmirror=1",
        "foo",
        "foo=bar&baz",
        "",
        "&&",
        "only_hash",
        "x=%00",
        "fakefile",
        "asc",
        "clientip=192.0.2.5",
        "cmd=deleted",
    ):
        yield line(f"?{query}", f"/sel/all.bin?{query}", DE, ALL)
    yield line("?country without place", "/sel/all.bin?country=jp", [], ALL)
    yield line("?country, no coordinates", "/sel/all.bin?country=jp", region("DE"), ALL)
    yield line("?country, one without mirrors", "/sel/all.bin?country=is", region("DE"), ALL)
    yield line("?as beats ASN", "/sel/all.bin?as=64500", client("JP", ASN=64510), ALL)
    yield line("?as=x leaves ASN", "/sel/all.bin?as=x", client("JP", ASN=64510), ALL)
    yield line("?fakefile skips the size", "/small/size-100.bin?fakefile", DE, "small/size-100.bin")
    yield line("?fakefile, missing", "/sel/nope.bin?fakefile", DE, "missing")


SELECTION = (
    "sel/all-plus-wild.bin",
    "sel/ampersand-only.bin",
    "sel/as-only.bin",
    "sel/country-only.bin",
    "sel/de-only.bin",
    "sel/disabled-only.bin",
    "sel/duplicate-ids.bin",
    "sel/empty-baseurl-only.bin",
    "sel/eu-only.bin",
    "sel/ftp-only.bin",
    "sel/maxsize-3GB.bin",
    "sel/maxsize-only-2MB.bin",
    "sel/noslash-only.bin",
    "sel/other-countries.bin",
    "sel/prefix-only.bin",
    "sel/region-only.bin",
    "sel/scores-de.bin",
    "sel/twins.bin",
    "sel/unknown-mirror-ids.bin",
    "sel/us-only.bin",
    "sel/wild-only.bin",
    "fallback/present.bin",
    "fallback/empty.bin",
    "fallback/notindb.bin",
    "fallback/as-only.bin",
    "nomirror/another.bin",
    "nomirror/empty-array.bin",
    "nomirror/null-array.bin",
    "notindb/never.bin",
    "notindb/never2.iso",
    "stamp/a.bin",
    "headlocal/a.bin",
    "iso/openSUSE-Leap-15.4-DVD00-x86_64.iso",
    "iso/openSUSE-Leap-15.4-DVD09-x86_64.iso",
)


def files():
    for file in SELECTION:
        for country in ("DE", "US", "JP", "BE"):
            yield line(f"{file} from {country}", f"/{file}", client(country), file)
        yield line(f"{file} from DE, no coordinates", f"/{file}", region("DE"), file)
        yield line(f"{file} from nowhere", f"/{file}", [], file)
    for country in ("MT", "SM", "SI", "LI", "HR", "BA", "LU", "BE", "FJ", "PG", "NC"):
        file = "sel/other-countries.bin"
        yield line(f"{file} for {country}", f"/{file}", client(country), file)
        yield line(f"{file} for {country}, no coordinates", f"/{file}", region(country), file)
    for country in ("BR", "FR", "IT", "NG"):
        file = "fallback/empty.bin"
        yield line(f"{file} for {country}", f"/{file}", client(country), file)
    as_only = "fallback/as-only.bin"
    yield line("no fallback for AS", f"/{as_only}", client("DE", ASN=64500), as_only)
    too_large = client("JP", IP="198.51.100.200")
    yield line("size before prefix", "/sel/maxsize-3GB.bin", too_large, "sel/maxsize-3GB.bin")


def exclusions():
    for name in ("data.xml", "image.png", "sig.md5", "sig.asc.bin", "repomd.xml.asc"):
        yield line(f"excl/{name}", f"/excl/{name}", DE, "local")
    for name in ("app.iso", "page.html"):
        yield line(f"excl/{name}", f"/excl/{name}", DE, f"excl/{name}")
    yield line("the mask is of excl/ only", "/special/real.torrent", DE, "special/real.torrent")
    for size in (0, 1, 100, 4095):
        yield line(f"{size} bytes", f"/small/size-{size}.bin", DE, "local")
    for size in (4096, 4097):
        file = f"small/size-{size}.bin"
        yield line(f"{size} bytes", f"/{file}", DE, file)
    for file in ("yum/5.5/os/i386/repodata/repomd.xml", "pgp/signed.tar.gz.asc"):
        yield line(f"{file}, too small", f"/{file}", DE, "local")
    yield line("small .torrent on disk", "/torrentadd/with-torrent.iso.torrent", DE, "local")
    for agent in ("w3m/0.5.1", "W3M/0.5.1", "Excluded", "xEXCLUDEDx/1.0", "an Exclu.ed agent"):
        yield line(f"agent {agent}", "/sel/all.bin", [*DE, agent_of(agent)], "local")
    for agent in ("w3m/0.5.10", "w3m/0.5", "Exclued", "curl/8"):
        yield line(f"agent {agent}", "/sel/all.bin", [*DE, agent_of(agent)], ALL)
    yield line("empty agent", "/sel/all.bin", [*DE, agent_of("")], ALL)
    for ip in ("192.168.0.1", "192.168.255.255", "10.10.10.1", "10.10.10.17", "172.16.0.9"):
        yield line(f"excluded {ip}", "/sel/all.bin", client("DE", IP=ip), "local")
    for ip in ("192.16.8.1", "10.10.10.2", "172.16.0.90", "172.16.0.8"):
        yield line(f"not excluded {ip}", "/sel/all.bin", client("DE", IP=ip), ALL)
    yield line("engine off", "/off/a.bin", DE, "local")
    yield line("engine off, HEAD", "/off/a.bin", DE, "local", method="HEAD")
    yield line("HEAD is redirected", "/sel/all.bin", DE, ALL, method="HEAD")
    yield line("HEAD handled locally", "/headlocal/a.bin", US, "local", method="HEAD")
    yield line("HEAD of an image", "/excl/image.png", DE, "local", method="HEAD")


def agent_of(text):
    return ("User-Agent", text.encode())


NAMES = (
    ".hidden.bin|UPPER.ISO|a..b.bin|amp%26ersand.bin|at%40sign.bin|back%5Cslash.bin"
    "|brackets%5B1%5D.bin|colon%3Aname.bin|comma%2C.bin|dollar%24.bin|dquote%22.bin"
    "|eq%3Dual.bin|hash%23tag.bin|lt%3Cgt%3E.bin|noext|paren%281%29.bin|per%25cent.bin"
    "|plus%2Bplus.bin|question%3Fmark.bin|quote%27s.bin|real.meta4|real.metalink|real.torrent"
    "|semi%3Bcolon.bin|tilde%7E.bin|trailing.meta4.bin|with%20space.bin"
    "|%C3%BC%C3%B1%C3%AFc%C3%B6d%C3%A9-%E6%97%A5%E6%9C%AC%E8%AA%9E.bin"
)


def names():
    for name in NAMES.split("|"):
        raw = unquoted(name)
        yield line(f"name {name}", f"/special/{name}", DE, b"special/" + raw)
        yield line(f"HEAD of {name}", f"/special/{name}", US, b"special/" + raw, method="HEAD")
    for target, file in (
        ("/special/plus+plus.bin", "special/plus+plus.bin"),
        ("/special/amp&ersand.bin", "special/amp&ersand.bin"),
        ("/special/semi;colon.bin", "special/semi;colon.bin"),
        ("/special/colon:name.bin", "special/colon:name.bin"),
        ("/special/eq=ual.bin", "special/eq=ual.bin"),
        ("/special/tilde~.bin", "special/tilde~.bin"),
        ("/special/quote's.bin", "special/quote's.bin"),
        ("/special/brackets[1].bin", "special/brackets[1].bin"),
        ("/%73el/al%6c.bin", ALL),
    ):
        yield line(f"{target} as it is", target, DE, file)
    for target in ("/special/question?mark.bin", "/special/upper.iso"):
        yield line(f"{target} is another name", target, DE, "missing")
    yield line("+ is no space in a path", "/special/with+space.bin", DE, "missing")
    for file in (
        "debian/pool/main/a/aalsa-32bit_26.2.2+dfsg-0_amd64.deb",
        "debian/pool/main/a/aalsa-common_22.4.4+dfsg-0_amd64.deb",
        "torrentadd/with-torrent.iso",
        "iso/openSUSE-Leap-15.5-DVD25-x86_64.iso",
    ):
        yield line(file, f"/{file}", DE, file)


def unquoted(text):
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(text)


def links():
    hashed = "hashed/d0/pkg-000.rpm"
    yield line("link to a file", "/links/file-link.bin", DE, hashed)
    yield line("link to a file, HEAD", "/links/file-link.bin", US, hashed, method="HEAD")
    yield line("absolute link inside", "/links/abs-inside.bin", DE, ALL)
    yield line("absolute link inside, HEAD", "/links/abs-inside.bin", JP, ALL, method="HEAD")
    yield line("file behind a link", "/links/dir-link/pkg-001.tar.gz", DE, "hashed/d1/pkg-001.tar.gz")
    yield line("nothing behind a link", "/links/dir-link/nope.bin", DE, "missing")
    yield line("broken link", "/links/broken.bin", DE, "missing")
    yield line("document of a broken link", "/links/broken.bin.meta4", DE, "missing")
    yield line("link out of the tree", "/links/outside-file.bin", DE, "local")
    yield line("link out of the tree, GET from US", "/links/outside-file.bin", US, "local")
    yield line("file behind a link out", "/links/outside-dir/out.bin", DE, "local")
    yield line("nothing behind a link out", "/links/outside-dir/nope.bin", DE, "missing")


def absent():
    for target in (
        "/nope.bin",
        "/sel/nope",
        "/sel/nope.bin.meta4",
        "/sel/nope.bin.md5",
        "/sel/nope.bin?mirrorlist",
        "/sel/all.bin.",
        "/sel/all.bin.nope",
        "/sel/all.bin.MD5",
        "/sel/all.bin.Meta4",
        "/sel/all.bin.meta4.meta4",
        "/sel/all.bin%20",
        "/sel/all.bi",
        "/SEL/all.bin",
        "/sel/ALL.bin",
        "/sel/all.bin/",
        "/sel/all.bin/x",
        "/sel/all.bin/x.md5",
        "/nope/all.bin",
        "/nope/deeper/all.bin.meta4",
        "/sel/.meta4",
        "/notondisk/gone-from-disk.bin",
        "/notondisk/gone-from-disk.bin.meta4",
        "/sel/all.bin.asc",
        "/sel/all.bin.yumlist",
        "/nope.yumlist",
        "/sel/all.bin.sha512x",
        "/%FF%FE.bin",
        "/sel/%C3%BC.bin",
    ):
        yield line(f"absent {target}", target, DE, "missing")
        if "yumlist" not in target:
            yield line(f"absent {target}, HEAD", target, US, "missing", method="HEAD")
    yield line("a long name", "/sel/" + "x" * 255, DE, "missing")


def directories():
    """Nothing: Apache lists them; see the end-to-end tests."""
    return ()


def wire():
    for target in (
        "//sel/all.bin",
        "/sel//all.bin",
        "/./sel/all.bin",
        "/sel/./all.bin",
        "/special/../sel/all.bin",
        "/nope/../sel/all.bin",
        "/sel/%2e%2e/sel/all.bin",
        "/%2e/sel/all.bin",
        "http://mb.example.org:8080/sel/all.bin",
    ):
        yield line(f"target {target}", target, DE, ALL)
    for host in ("mb.example.org", "mb.example.org:80", "MB.example.org:8080", "[::1]:8080"):
        yield line(f"Host {host}", "/sel/all.bin", [("Host", host.encode()), *DE], ALL)
    yield line("other Host", "/sel/all.bin", [("Host", b"dl.example.net:8080"), *DE], ALL)
    yield line("HTTP/1.0 with Host", "/sel/all.bin", [("Host", b"x.example"), *DE], ALL, version="HTTP/1.0")
    yield line("HTTP/1.0, HEAD", "/sel/all.bin", US, ALL, version="HTTP/1.0", method="HEAD")
    for name, value in (
        ("Range", b"bytes=100-"),
        ("Range", b"bytes=0-0,-1"),
        ("Range", b"nonsense"),
        ("If-None-Match", b"*"),
        ("If-None-Match", b'"7a120-4faf36f692000"'),
        ("If-Modified-Since", b"Tue, 03 Jun 2014 19:22:40 GMT"),
        ("If-Unmodified-Since", b"Thu, 01 Jan 1970 00:00:00 GMT"),
        ("If-Match", b'"x"'),
        ("If-Range", b'"x"'),
        ("Accept", b"*/*"),
        ("Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9"),
        ("Accept", b"application/metalink"),
        ("Accept-Encoding", b"gzip, br"),
        ("Accept-Language", b"de"),
        ("X-Forwarded-For", b"192.0.2.5"),
        ("X-Latin1", b"\xff\xfe"),
        ("X-Broken-Mirrors", b"true"),
        ("Cookie", b"a=b"),
        ("Referer", b"http://example.org/?country=jp"),
        ("Cache-Control", b"no-cache"),
    ):
        yield line(f"{name}: {value.decode('latin-1')}", "/sel/all.bin", [*DE, (name, value)], ALL)


def hashes():
    for file in (
        "hashmix/md5-only.bin",
        "hashmix/no-zsync.bin",
        "hashmix/nomirror-hashed.bin",
        "hashmix/stale-mtime.bin",
        "hashmix/stale-size.bin",
        "pgp/signed.tar.gz",
        "hashed/d1/pkg-001.tar.gz",
    ):
        for country in ("DE", "JP"):
            yield line(f"{file} from {country}", f"/{file}", client(country), file)
        yield line(f"{file} without coordinates", f"/{file}", region("DE"), file)
        yield line(f"{file}, HEAD", f"/{file}", US, file, method="HEAD")


def vhosts():
    for vhost in ("tls", "link"):
        for country in ("DE", "US", "JP"):
            yield line(f"{vhost} from {country}", "/sel/all.bin", client(country), ALL, vhost=vhost)
        yield line(f"{vhost}, no place", "/sel/all.bin", [], ALL, vhost=vhost)
        yield line(f"{vhost}, HEAD", "/sel/all.bin", DE, ALL, vhost=vhost, method="HEAD")
        for file in ("excl/data.xml", "excl/sig.md5", "stamp/a.bin", "off/a.bin"):
            yield line(f"{vhost}, {file}", f"/{file}", DE, file, vhost=vhost)
        for file in ("fallback/empty.bin", "sel/as-only.bin", "sel/us-only.bin", "sel/twins.bin"):
            yield line(f"{vhost}, {file}", f"/{file}", DE, file, vhost=vhost)
        yield line(f"{vhost}, excluded elsewhere", "/sel/all.bin", client("DE", IP="172.16.0.9"), ALL, vhost=vhost)
        yield line(f"{vhost}, small", "/small/size-4095.bin", DE, "local", vhost=vhost)
        yield line(f"{vhost}, missing", "/sel/nope.bin", DE, "missing", vhost=vhost)
        yield line(f"{vhost}, link", "/links/file-link.bin", DE, "hashed/d0/pkg-000.rpm", vhost=vhost)
        yield line(f"{vhost}, absolute link", "/links/abs-inside.bin", DE, ALL, vhost=vhost)
        yield line(f"{vhost}, link out", "/links/outside-file.bin", DE, "local", vhost=vhost)
        yield line(f"{vhost}, broken link", "/links/broken.bin", DE, "missing", vhost=vhost)
        yield line(f"{vhost}, hashed", "/hashed/d0/pkg-000.rpm", DE, "hashed/d0/pkg-000.rpm", vhost=vhost)
        yield line(f"{vhost}, space", "/special/with%20space.bin", DE, "special/with space.bin", vhost=vhost)
    host = [("Host", b"mb.example.org:443"), *DE]
    yield line("https default port", "/sel/all.bin", host, ALL, vhost="tls")
