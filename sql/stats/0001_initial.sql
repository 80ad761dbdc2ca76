-- Statistics of one site (docs/statistics.md). Days, hours and months are of UTC: a day is the
-- number of days since 1970-01-01, an hour the number of hours, a month YEAR * 100 + MONTH. No
-- table crosses a file, or a version of a product, with a network.

-- Names that occur in many rows.
CREATE TABLE name (
    id   INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,             -- path, mirror
    text BLOB NOT NULL,
    UNIQUE (kind, text)
) STRICT;

CREATE TABLE file_day (
    day         INTEGER NOT NULL,
    path        INTEGER NOT NULL,
    downloads   INTEGER NOT NULL,
    by_metalink INTEGER NOT NULL,
    resumed     INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    heads       INTEGER NOT NULL,
    probes      INTEGER NOT NULL,
    bots        INTEGER NOT NULL,
    local       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (day, path)
) STRICT, WITHOUT ROWID;

-- A path that ends with a slash stands for the files of a directory that were asked for rarely.
CREATE TABLE file_month (
    month       INTEGER NOT NULL,
    path        INTEGER NOT NULL,
    downloads   INTEGER NOT NULL,
    by_metalink INTEGER NOT NULL,
    resumed     INTEGER NOT NULL,
    retries     INTEGER NOT NULL,
    heads       INTEGER NOT NULL,
    probes      INTEGER NOT NULL,
    bots        INTEGER NOT NULL,
    local       INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (month, path)
) STRICT, WITHOUT ROWID;

-- The mirror with an empty name is the web server; AS 0 is an unknown one, or a small one.
CREATE TABLE route_hour (
    hour      INTEGER NOT NULL,
    mirror    INTEGER NOT NULL,
    country   TEXT NOT NULL,
    asn       INTEGER NOT NULL,
    tier      TEXT NOT NULL,
    downloads INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (hour, mirror, country, asn, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_day (
    day       INTEGER NOT NULL,
    mirror    INTEGER NOT NULL,
    country   TEXT NOT NULL,
    asn       INTEGER NOT NULL,
    tier      TEXT NOT NULL,
    downloads INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (day, mirror, country, asn, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_month (
    month     INTEGER NOT NULL,
    mirror    INTEGER NOT NULL,
    country   TEXT NOT NULL,
    asn       INTEGER NOT NULL,
    tier      TEXT NOT NULL,
    downloads INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (month, mirror, country, asn, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE kind_hour (
    hour     INTEGER NOT NULL,
    outcome  TEXT NOT NULL,
    counted  TEXT NOT NULL,         -- the column of docs/statistics.md
    document TEXT NOT NULL,
    reason   TEXT NOT NULL,
    tier     TEXT NOT NULL,
    scheme   TEXT NOT NULL,
    family   TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (hour, outcome, counted, document, reason, tier, scheme, family)
) STRICT, WITHOUT ROWID;

CREATE TABLE kind_day (
    day      INTEGER NOT NULL,
    outcome  TEXT NOT NULL,
    counted  TEXT NOT NULL,
    document TEXT NOT NULL,
    reason   TEXT NOT NULL,
    tier     TEXT NOT NULL,
    scheme   TEXT NOT NULL,
    family   TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (day, outcome, counted, document, reason, tier, scheme, family)
) STRICT, WITHOUT ROWID;

CREATE TABLE kind_month (
    month    INTEGER NOT NULL,
    outcome  TEXT NOT NULL,
    counted  TEXT NOT NULL,
    document TEXT NOT NULL,
    reason   TEXT NOT NULL,
    tier     TEXT NOT NULL,
    scheme   TEXT NOT NULL,
    family   TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (month, outcome, counted, document, reason, tier, scheme, family)
) STRICT, WITHOUT ROWID;

CREATE TABLE product_day (
    day       INTEGER NOT NULL,
    product   TEXT NOT NULL,
    version   TEXT NOT NULL,
    os        TEXT NOT NULL,
    arch      TEXT NOT NULL,
    lang      TEXT NOT NULL,
    country   TEXT NOT NULL,
    downloads INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (day, product, version, os, arch, lang, country)
) STRICT, WITHOUT ROWID;

CREATE TABLE product_month (
    month     INTEGER NOT NULL,
    product   TEXT NOT NULL,
    version   TEXT NOT NULL,
    os        TEXT NOT NULL,
    arch      TEXT NOT NULL,
    lang      TEXT NOT NULL,
    country   TEXT NOT NULL,
    downloads INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (month, product, version, os, arch, lang, country)
) STRICT, WITHOUT ROWID;

-- Requests by column, since the first; they only grow.
CREATE TABLE total (
    counted  TEXT PRIMARY KEY,
    requests INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Spool files that were added, so that none is added twice.
CREATE TABLE spool (
    front    TEXT NOT NULL,
    boot     INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (front, boot, seq)
) STRICT, WITHOUT ROWID;

-- Days of which a front end has counted requests itself.
CREATE TABLE front_day (
    front    TEXT NOT NULL,
    day      INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (front, day)
) STRICT, WITHOUT ROWID;

-- Access logs that were imported, and how far.
CREATE TABLE import (
    first_line INTEGER PRIMARY KEY, -- hash of the first line
    bytes      INTEGER NOT NULL,    -- unpacked bytes that were read
    lines      INTEGER NOT NULL,
    first_day  INTEGER NOT NULL,
    last_day   INTEGER NOT NULL,
    added_at   INTEGER NOT NULL
) STRICT;

-- When sums were last rolled up: the day.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
