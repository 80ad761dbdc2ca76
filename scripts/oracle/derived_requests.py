"""Derived cases about requests: exclusions, names, links, what is absent, the wire, the vhosts."""

from urllib.parse import unquote_to_bytes

from lines import ALL, DE, JP, US, client, line, region


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
        raw = unquote_to_bytes(name)
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


def links():
    hashed = "hashed/d0/pkg-000.rpm"
    yield line("link to a file", "/links/file-link.bin", DE, hashed)
    yield line("link to a file, HEAD", "/links/file-link.bin", US, hashed, method="HEAD")
    yield line("absolute link inside", "/links/abs-inside.bin", DE, ALL)
    yield line("absolute link inside, HEAD", "/links/abs-inside.bin", JP, ALL, method="HEAD")
    behind = "pkg-001.tar.gz"
    yield line("file behind a link", f"/links/dir-link/{behind}", DE, f"hashed/d1/{behind}")
    yield line("nothing behind a link", "/links/dir-link/nope.bin", DE, "missing")
    yield line("broken link", "/links/broken.bin", DE, "apache")
    yield line("document of a broken link", "/links/broken.bin.meta4", DE, "missing")
    yield line("link out of the tree", "/links/outside-file.bin", DE, "local")
    yield line("link out of the tree, GET from US", "/links/outside-file.bin", US, "local")
    yield line("link to a shorter path", "/links/short-outside", DE, "local")
    yield line("link to a small file outside", "/links/short-real.txt", DE, "apache")
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
    host = [("Host", b"x.example"), *DE]
    yield line("HTTP/1.0 with Host", "/sel/all.bin", host, ALL, version="HTTP/1.0")
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


def left_to_apache():
    """What MirrorBrain leaves to Apache, or Apache to nobody: as on a host without either."""
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PATCH", "NONSENSE"):
        for target in ("/sel/all.bin", "/sel/", "/sel/nope.bin"):
            yield line(f"{method} {target}", target, DE, "apache", method=method)
    for target in (
        "/",
        "/sel",
        "/sel/",
        "/sel/?country=jp",
        "/sel/?C=S;O=D",
        "/links/",
        "/links/dir-link",
        "/links/dir-link/",
        "/links/outside-dir/",
        "/sel/all.bin%2Fx",
        "/sel%2Fall.bin",
        "/sel/all.bin%zz",
        "/sel/all.bin%",
        "/../sel/all.bin",
        "/sel/../../all.bin",
        "/sel/all.bin%00",
        "/special/hash#tag.bin",
        "/x" * 200,
        "/" + "x" * 256,
        "/" + "x" * 8000,
    ):
        yield line(f"left to Apache: {target[:40]}", target, DE, "apache")
        yield line(f"left to Apache: {target[:40]}, HEAD", target, US, "apache", method="HEAD")
    excluded = client("DE", IP="172.16.0.9")
    for name, value in CONDITIONS:
        text = f"{name}: {value.decode()}"
        for target in ("/sel/all.bin", "/small/size-100.bin", "/sel/disabled-only.bin"):
            fields = [*excluded, (name, value)]
            yield line(f"local {target}, {text}", target, fields, "apache")
            yield line(f"local {target}, {text}, HEAD", target, fields, "apache", method="HEAD")
    yield line("HTTP/1.1 without Host", "/sel/all.bin", [("X-No-Host", b"1")], "apache")


CONDITIONS = (
    ("Range", b"bytes=0-99"),
    ("Range", b"bytes=50-"),
    ("Range", b"bytes=-10"),
    ("Range", b"bytes=0-0,20-29"),
    ("Range", b"bytes=999999999-"),
    ("Range", b"nonsense"),
    ("If-Modified-Since", b"Tue, 03 Jun 2014 19:22:40 GMT"),
    ("If-Modified-Since", b"Sun, 01 Jan 2012 00:00:00 GMT"),
    ("If-None-Match", b"*"),
    ("If-None-Match", b'"7a120-4faf36f692000"'),
    ("If-Match", b'"x"'),
    ("If-Unmodified-Since", b"Sun, 01 Jan 2012 00:00:00 GMT"),
    ("If-Range", b'"7a120-4faf36f692000"'),
)


VHOST_FILES = (
    ("/excl/data.xml", "excl/data.xml"),
    ("/excl/sig.md5", "excl/sig.md5"),
    ("/stamp/a.bin", "stamp/a.bin"),
    ("/off/a.bin", "off/a.bin"),
    ("/fallback/empty.bin", "fallback/empty.bin"),
    ("/sel/as-only.bin", "sel/as-only.bin"),
    ("/sel/us-only.bin", "sel/us-only.bin"),
    ("/sel/twins.bin", "sel/twins.bin"),
    ("/small/size-4095.bin", "local"),
    ("/sel/nope.bin", "missing"),
    ("/links/file-link.bin", "hashed/d0/pkg-000.rpm"),
    ("/links/abs-inside.bin", ALL),
    ("/links/outside-file.bin", "local"),
    ("/links/broken.bin", "apache"),
    ("/hashed/d0/pkg-000.rpm", "hashed/d0/pkg-000.rpm"),
    ("/special/with%20space.bin", "special/with space.bin"),
)


def vhosts():
    """The other vhosts have no rules: nothing is excluded, off, signed or sent to fallbacks."""
    excluded = client("DE", IP="172.16.0.9")
    for vhost in ("tls", "link"):
        for country in ("DE", "US", "JP"):
            yield line(f"{vhost} from {country}", "/sel/all.bin", client(country), ALL, vhost)
        yield line(f"{vhost}, no place", "/sel/all.bin", [], ALL, vhost)
        yield line(f"{vhost}, HEAD", "/sel/all.bin", DE, ALL, vhost, method="HEAD")
        yield line(f"{vhost}, excluded elsewhere", "/sel/all.bin", excluded, ALL, vhost)
        for target, answer in VHOST_FILES:
            yield line(f"{vhost}, {target}", target, DE, answer, vhost)
    for query in ("?foo", "?country=jp", "?release=7", "?newmirror"):
        yield line(f"link, {query}", f"/sel/all.bin{query}", DE, ALL, "link")
    for host in (b"mb.example.org:8080", b"[::1]:8080"):
        over_ipv6 = line("over IPv6", "/sel/all.bin", [("Host", host), *DE], ALL)
        over_ipv6.over_ipv6 = True
        yield over_ipv6
    host = [("Host", b"mb.example.org:443"), *DE]
    yield line("https default port", "/sel/all.bin", host, ALL, "tls")


def yum():
    """The recorded rule: release=(5\\.5|6\\.0) repo=(os|updates) arch=i586 yum/$1/$2/i386."""
    for release in ("5.5", "6.0"):
        for repo in ("os", "updates"):
            file = f"yum/{release}/{repo}/i386/repodata/repomd.xml"
            query = f"release={release}&repo={repo}&arch=i586"
            for country in ("DE", "US", "JP"):
                what = f"{query} from {country}"
                yield line(what, f"/?{query}", client(country), file, vhost="link")
            what = f"{query} without coordinates"
            yield line(what, f"/?{query}", region("DE"), file, vhost="link")
    file = "yum/5.5/os/i386/repodata/repomd.xml"
    for what, target in (
        ("in another order", "/?arch=i586&repo=os&release=5.5"),
        ("names in capitals", "/?RELEASE=5.5&Repo=os&arch=i586"),
        ("more arguments", "/?x=1&release=5.5&repo=os&arch=i586&mirrorlist"),
        ("encoded", "/?release=5%2E5&repo=o%73&arch=i586"),
        ("on a directory", "/sel/?release=5.5&repo=os&arch=i586"),
        ("on a file", "/sel/all.bin?release=5.5&repo=os&arch=i586"),
    ):
        yield line(what, target, DE, file, vhost="link")
    for what, target in (
        ("another release", "/?release=5x5&repo=os&arch=i586"),
        ("more than the release", "/?release=5.51&repo=os&arch=i586"),
        ("a repository twice", "/?release=5.5&repo=os&repo=os&arch=i586"),
        ("an argument is missing", "/?release=5.5&repo=os"),
        ("other values", "/sel/?release=5.5&repo=os&arch=x86_64"),
    ):
        yield line(what, target, DE, "missing", vhost="link")
