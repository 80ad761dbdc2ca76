"""Derived cases about which mirror is chosen: place, network, query, what mirrors have."""

from lines import ALL, DE, JP, US, client, headers, line, region
from places import PLACES


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
    two = region("JP", IP="198.51.100.200")
    yield line("two prefixes, no coordinates", "/sel/all.bin", two, ALL)
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
    small = "small/size-100.bin"
    yield line("?fakefile skips the size", f"/{small}?fakefile", DE, small)
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
