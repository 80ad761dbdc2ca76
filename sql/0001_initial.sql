-- The first schema. Times are seconds since 1970-01-01 UTC unless a column says otherwise.

-- Single values: next_file_id (the id that the next new file version gets),
-- tree_generation (counts index runs that changed the catalogue).
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

INSERT INTO meta (key, value) VALUES ('next_file_id', 1), ('tree_generation', 0);

-- The catalogue. The path is relative to the tree, bytes exact. size and mtime are NULL for an
-- entry imported from MirrorBrain until it is indexed. A changed version gets a new id.
CREATE TABLE file (
    path BLOB PRIMARY KEY NOT NULL,
    id INTEGER NOT NULL,
    size INTEGER,
    mtime INTEGER
) WITHOUT ROWID, STRICT;

-- MirrorBrain's `server`, under the field's names. '' means none in text columns.
CREATE TABLE mirror (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL DEFAULT 'mirror' CHECK (kind IN ('mirror', 'cache')),
    base_url TEXT NOT NULL DEFAULT '',
    ftp_url TEXT NOT NULL DEFAULT '',
    rsync_url TEXT NOT NULL DEFAULT '',
    enabled INTEGER NOT NULL DEFAULT 0 CHECK (enabled IN (0, 1)),
    alive INTEGER NOT NULL DEFAULT 0 CHECK (alive IN (0, 1)),
    region TEXT NOT NULL DEFAULT '',
    country TEXT NOT NULL DEFAULT '',
    asn INTEGER NOT NULL DEFAULT 0,
    prefix TEXT NOT NULL DEFAULT '',
    ipv6_only INTEGER NOT NULL DEFAULT 0 CHECK (ipv6_only IN (0, 1)),
    score INTEGER NOT NULL DEFAULT 100 CHECK (score BETWEEN 0 AND 32767),
    scan_fpm INTEGER NOT NULL DEFAULT 0,
    last_scan TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    operator_name TEXT NOT NULL DEFAULT '',
    operator_url TEXT NOT NULL DEFAULT '',
    public_notes TEXT NOT NULL DEFAULT '',
    admin TEXT NOT NULL DEFAULT '',
    admin_email TEXT NOT NULL DEFAULT '',
    latitude REAL,
    longitude REAL,
    country_only INTEGER NOT NULL DEFAULT 0 CHECK (country_only IN (0, 1)),
    region_only INTEGER NOT NULL DEFAULT 0 CHECK (region_only IN (0, 1)),
    as_only INTEGER NOT NULL DEFAULT 0 CHECK (as_only IN (0, 1)),
    prefix_only INTEGER NOT NULL DEFAULT 0 CHECK (prefix_only IN (0, 1)),
    other_countries TEXT NOT NULL DEFAULT '',
    file_maxsize INTEGER NOT NULL DEFAULT 0 CHECK (file_maxsize >= 0)
) STRICT;

-- Base URLs beside the main one, at most one a scheme.
CREATE TABLE mirror_base_url (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    scheme TEXT NOT NULL CHECK (scheme IN ('http', 'https', 'ftp')),
    url TEXT NOT NULL,
    PRIMARY KEY (mirror_id, scheme)
) WITHOUT ROWID, STRICT;

-- Prefixes (CIDR) and AS numbers beside the main ones of `mirror`.
CREATE TABLE mirror_network (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('prefix', 'asn')),
    network TEXT NOT NULL,
    PRIMARY KEY (mirror_id, kind, network)
) WITHOUT ROWID, STRICT;

-- The content of a mirror: roaring bitmaps of file ids, portable serialisation. One row per mirror,
-- so that publishing a scan is one row in one transaction; `rollback` restores `previous_*`.
CREATE TABLE mirror_content (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    learnt_at INTEGER NOT NULL,
    learnt_by TEXT NOT NULL,
    unknown_files INTEGER NOT NULL DEFAULT 0,
    current BLOB NOT NULL,
    outdated BLOB NOT NULL,
    previous_learnt_at INTEGER,
    previous_learnt_by TEXT,
    previous_current BLOB,
    previous_outdated BLOB
) STRICT;

-- A suspicious scan (too much vanished): published when a second one sees the same.
CREATE TABLE pending_content (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    seen_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    current BLOB NOT NULL,
    outdated BLOB NOT NULL
) STRICT;

-- Digests of one file version; an empty digest is NULL. size and mtime are what was hashed.
CREATE TABLE hash (
    file_id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    md5 BLOB,
    sha1 BLOB,
    sha256 BLOB,
    sha512 BLOB,
    btih BLOB,
    pgp TEXT,
    piece_size INTEGER NOT NULL DEFAULT 0,
    zsync_block_size INTEGER NOT NULL DEFAULT 0,
    zsync_hash_lengths TEXT
) STRICT;

-- The long parts of a hash row, which only some documents need.
CREATE TABLE hash_pieces (
    file_id INTEGER PRIMARY KEY REFERENCES hash (file_id) ON DELETE CASCADE,
    sha1_pieces BLOB,
    zsync_sums BLOB
) STRICT;

-- Result of the last probe of each scheme and address family of a mirror.
CREATE TABLE probe (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    scheme TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    ok INTEGER NOT NULL CHECK (ok IN (0, 1)),
    checked_at INTEGER NOT NULL,
    latency_ms INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mirror_id, scheme, family)
) WITHOUT ROWID, STRICT;

-- Every scan, probe, index and import: when, what came of it, the error. `counts` is JSON.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('index', 'scan', 'probe', 'import')),
    mirror_id INTEGER REFERENCES mirror (id) ON DELETE SET NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT NOT NULL DEFAULT 'running'
        CHECK (outcome IN ('running', 'ok', 'partial', 'failed', 'suspicious', 'interrupted')),
    counts TEXT NOT NULL DEFAULT '{}',
    error TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX run_by_mirror ON run (mirror_id, kind, id);

-- Changes, each with who made it.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    mirror_id INTEGER,
    what TEXT NOT NULL
) STRICT;

CREATE TABLE country (
    code TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE region (
    code TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- For the overview of mirrors: a subtree and the files that show that a mirror has it.
CREATE TABLE marker (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subtree_name TEXT NOT NULL,
    markers TEXT NOT NULL
) STRICT;
