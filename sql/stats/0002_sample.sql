-- Some of the last hour's redirects, which `heliostat-probe --follow` looks at. Of a client they
-- have the address family alone.
CREATE TABLE sample (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    path   BLOB NOT NULL,
    size   INTEGER NOT NULL,
    mtime  INTEGER NOT NULL,
    mirror TEXT NOT NULL,
    scheme TEXT NOT NULL,
    family TEXT NOT NULL
) STRICT;

CREATE INDEX sample_at ON sample (at);
