"""Reads a repository by its metalink with librepo, as dnf does, and says what it understood."""

import json
import sys

import librepo

handle = librepo.Handle()
handle.repotype = librepo.YUMREPO
handle.destdir = sys.argv[2]
handle.metalinkurl = sys.argv[1]
handle.checksum = True
result = librepo.Result()
handle.perform(result)
metalink = handle.metalink
repomd = open(result.getinfo(librepo.LRR_YUM_REPO)["repomd"], "rb").read()
print(json.dumps({
    "hashes": dict(metalink["hashes"]),
    "alternates": [
        {"size": one["size"], "timestamp": one["timestamp"], "hashes": dict(one["hashes"])}
        for one in metalink.get("alternates", [])
    ],
    "urls": [[one["url"], one["preference"]] for one in metalink["urls"]],
    "repomd": repomd.decode(),
}))
