#!/usr/bin/env python3
"""Computes MirrorBrain's selection law, written a second time from its description.

It shares no code with the responder, so that agreement of the two means something. The judges in
`tests/judge` ask it over a pipe: first the rows of mirrors, as one line of JSON, then one
question per line (see `main`). Its answers are compared with the recorded answers, too.
"""

import ipaddress
import json
import math
import sys
from dataclasses import dataclass, field

DISTANCE_UNKNOWN = 9_999_999
DISTANCE_FACTOR = 2_000_000
RANK_RANGE = 32_767
CLASSES = ("prefix", "AS", "country", "region", "other")
LINKS = 5


@dataclass
class Client:
    """Where a client is, as the web server's parameters say; None: not known."""

    country: str = None
    continent: str = None
    lat: float = None
    lng: float = None
    asn: str = None
    ip: str = "127.0.0.1"
    https: bool = False

    def has_coordinates(self):
        return bool(self.lat) and bool(self.lng)


@dataclass
class Candidate:
    """A mirror in a class; `order` is None where the order is drawn."""

    id: int
    country: str
    score: int
    distance: int
    realm: str = ""
    order: int = None


@dataclass
class Selection:
    """Classes in order of preference, and how many rows the database gave."""

    classes: dict = field(default_factory=dict)
    rows: int = 0

    def groups(self):
        """Candidates in order; those of one group come in any order."""
        groups = []
        for name in CLASSES:
            members = sorted(self.classes[name], key=lambda one: one.order or 0)
            for member in members:
                last = groups[-1] if groups else None
                if last and last[0].realm == name and last[0].order == member.order:
                    last.append(member)
                else:
                    groups.append([member])
                member.realm = name
        return groups


class Mirror:
    """A row of `server`."""

    def __init__(self, row):
        text = {name: value or "" for name, value in row.items()}
        self.id = int(text["id"])
        self.identifier = text["identifier"]
        self.base_url = text["baseurl"]
        if self.base_url and not self.base_url.endswith("/"):
            self.base_url += "/"
        self.score = int(text["score"])
        self.on = text["enabled"] == "t" and text["status_baseurl"] == "t"
        self.country = text["country"][:2]
        self.region = text["region"]
        self.asn = text["asn"]
        self.prefix = text["prefix"]
        self.lat = float(text["lat"] or 0)
        self.lng = float(text["lng"] or 0)
        self.country_only = text["country_only"] == "t"
        self.region_only = text["region_only"] == "t"
        self.as_only = text["as_only"] == "t"
        self.prefix_only = text["prefix_only"] == "t"
        self.other_countries = text["other_countries"]
        self.file_maxsize = int(text["file_maxsize"])

    def usable(self):
        return self.on and self.score > 0 and self.base_url != ""

    def near(self, ip):
        try:
            return ipaddress.ip_address(ip) in ipaddress.ip_network(self.prefix, strict=False)
        except ValueError:
            return False

    def distance(self, client):
        if not (client.has_coordinates() and self.lat and self.lng):
            return DISTANCE_UNKNOWN
        return int(math.hypot(client.lat - self.lat, client.lng - self.lng) * 1000)


def classify(mirror, client):
    """The class of a mirror that delivers files of that size; None: dropped."""
    here = (client.country or "--").lower()
    open_to_country = not (mirror.as_only or mirror.prefix_only)
    if mirror.near(client.ip):
        return "prefix"
    if client.asn == mirror.asn and not mirror.prefix_only:
        return "AS"
    if mirror.country.lower() == here and open_to_country:
        return "country"
    if mirror.country == "**":
        return "country"
    if here != "--" and here in mirror.other_countries.lower():
        return "other_country"
    open_to_region = open_to_country and not mirror.country_only
    if mirror.region.lower() == (client.continent or "--").lower() and open_to_region:
        return "region"
    if open_to_region and not mirror.region_only:
        return "other"
    return None


def select(mirrors, ids, size, client):
    """Classes of the mirrors with these ids for a client and a file of that size in bytes."""
    rows = [mirrors[id] for id in sorted(set(ids)) if id in mirrors and mirrors[id].usable()]
    if client.https:
        # Ours, not MirrorBrain's: an https client is never sent to http or ftp.
        rows = [row for row in rows if row.base_url.startswith("https://")]
    classes = {name: [] for name in (*CLASSES, "other_country")}
    for row in rows:
        too_large = 0 < row.file_maxsize < size
        name = "other" if too_large else classify(row, client)
        if name is None:
            continue
        country = (client.country or "--") if row.country == "**" else row.country
        candidate = Candidate(row.id, country, row.score, row.distance(client))
        if client.has_coordinates() and too_large:
            candidate.order = handicapped(candidate, len(rows))
        classes[name].append(candidate)
    if not classes["country"]:
        classes["country"] = classes["other_country"]
    for name in CLASSES:
        for candidate in classes[name]:
            if client.has_coordinates() and candidate.order is None:
                candidate.order = handicapped(candidate, len(classes[name]))
    return Selection(classes, len(rows))


def handicapped(candidate, count):
    return candidate.distance + DISTANCE_FACTOR // count // candidate.score


def shares(scores, steps=2000):
    """How likely each score is to be drawn: the integral over the smallest rank, by midpoints."""
    widths = [RANK_RANGE // score for score in scores]
    end = min(widths)
    result = [0.0] * len(scores)
    for step in range(steps):
        x = end * (step + 0.5) / steps
        for i, width in enumerate(widths):
            others = math.prod(1 - x / other for j, other in enumerate(widths) if j != i)
            result[i] += others / width
    total = sum(result)
    return [one / total for one in result]


def fallbacks(lines, client):
    """Fallbacks have score 1 and no distance, so each class is one group."""
    classes = {}
    for region, country, url in lines:
        if country.lower() == (client.country or "").lower():
            realm = "country"
        elif region.lower() == (client.continent or "").lower():
            realm = "region"
        else:
            realm = "other"
        url = url.rstrip("/") + "/"
        one = {"base_url": url, "name": url.split("/")[2], "realm": realm, "geo": country}
        classes.setdefault(realm, []).append(one | {"score": 1})
    return [classes[name] for name in CLASSES if name in classes]


def answer(mirrors, query):
    """Mirrors for a file in groups, best first, and how many rows the database gave."""
    client = Client(**query["client"])
    selection = select(mirrors, query["ids"], query["size"], client)
    if selection.rows == 0:
        return {"rows": 0, "groups": fallbacks(query["fallbacks"], client)}
    groups = []
    for group in selection.groups():
        groups.append([named(mirrors[one.id], one, client) for one in group])
    return {"rows": selection.rows, "groups": groups}


def named(mirror, candidate, client):
    realm = candidate.realm
    if realm == "country" and candidate.country.lower() != (client.country or "--").lower():
        realm = "other_country"
    return {
        "base_url": mirror.base_url,
        "name": mirror.identifier,
        "realm": realm,
        "geo": candidate.country,
        "score": mirror.score,
    }


def main():
    """Reads rows of mirrors as one line of JSON and a query a line; writes an answer a line."""
    rows = json.loads(sys.stdin.readline())
    mirrors = {int(row["id"]): Mirror(row) for row in rows}
    for line in sys.stdin:
        query = json.loads(line)
        if "shares" in query:
            print(json.dumps(shares(query["shares"])))
        else:
            print(json.dumps(answer(mirrors, query)))


if __name__ == "__main__":
    main()
