-- The whole schema as the migrations leave it; a test holds the two together.
-- Times are seconds since 1970-01-01 UTC unless a column says otherwise.

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

-- The last generations of the tree, without gaps. stamp: a random number that no other generation
-- has, so that what was read at this one is never mixed with what another history counted up to the
-- same number. changes: how many paths changed from the generation before; NULL: nobody remembers
-- which, as for the first one that is kept.
CREATE TABLE file_generation (
    generation INTEGER PRIMARY KEY,
    stamp INTEGER NOT NULL,
    changes INTEGER
) STRICT;

-- The paths that a generation added, changed or removed; `file` says how they are now.
CREATE TABLE file_change (
    generation INTEGER NOT NULL,
    path BLOB NOT NULL,
    PRIMARY KEY (generation, path)
) WITHOUT ROWID, STRICT;

-- When file ids were given: one row for each index run that gave any. An id was given at the time
-- of the last row whose first_id is not greater; ids before the first row were given long ago.
CREATE TABLE id_epoch (
    first_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;

-- MirrorBrain's `server`, under the field's names. '' means none in text columns.
-- private: shown and given only to clients of the mirror's own prefixes and autonomous systems.
-- only_countries: the mirror serves clients of these countries alone; not_countries: it does not
-- serve clients of these. Clients of its own prefixes are served all the same.
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
    file_maxsize INTEGER NOT NULL DEFAULT 0 CHECK (file_maxsize >= 0),
    private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
    only_countries TEXT NOT NULL DEFAULT '',
    not_countries TEXT NOT NULL DEFAULT ''
) STRICT;

-- Fields of mirrors of the kind cache alone; no row: each has its default.
-- ttl_s: seconds that it keeps anything without asking. fill_networks: prefixes that its own
-- requests come from; paths (empty: all) and exclude: patterns; all three separated by spaces.
CREATE TABLE mirror_cache (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    ttl_s INTEGER NOT NULL DEFAULT 86400 CHECK (ttl_s >= 0),
    version_key TEXT NOT NULL DEFAULT 'none' CHECK (version_key IN ('none', 'query', 'path')),
    fill_networks TEXT NOT NULL DEFAULT '',
    paths TEXT NOT NULL DEFAULT '',
    exclude TEXT NOT NULL DEFAULT ''
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
-- btih_hybrid, btmh: v1 (20 bytes) and v2 (32 bytes) info hash of the hybrid torrent (BEP 52);
-- sha256_root: root of its v2 tree, 32 bytes.
-- pgp_size, pgp_mtime: the .asc file whose text is in pgp; NULL for an imported signature.
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
    zsync_hash_lengths TEXT,
    btih_hybrid BLOB,
    btmh BLOB,
    sha256_root BLOB,
    pgp_size INTEGER,
    pgp_mtime INTEGER
) STRICT;

-- The long parts of a hash row, which only some documents need. sha256_layer: layer of the
-- BitTorrent v2 tree at the size of a piece, 32 bytes a piece; NULL when there is one piece.
CREATE TABLE hash_pieces (
    file_id INTEGER PRIMARY KEY REFERENCES hash (file_id) ON DELETE CASCADE,
    sha1_pieces BLOB,
    zsync_sums BLOB,
    sha256_layer BLOB
) STRICT;

-- Results of probes of each base URL (by scheme) of a mirror over each address family. No row for a
-- family beside one for the other: the host has no such address.
-- url: what was probed, without credentials. usable: after hysteresis, what selection goes by.
-- failures, results: the last results since usable changed, bit 0 the latest, 1 a failure.
-- ok: the last result; NULL when it could not be checked from here. reason: why it failed, or what
-- was odd. evidence: a command line that shows the same. expires_at: of the TLS certificate.
CREATE TABLE probe (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    scheme TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    url TEXT NOT NULL,
    usable INTEGER NOT NULL CHECK (usable IN (0, 1)),
    failures INTEGER NOT NULL DEFAULT 0,
    results INTEGER NOT NULL DEFAULT 0,
    ok INTEGER CHECK (ok IN (0, 1)),
    checked_at INTEGER NOT NULL,
    latency_ms INTEGER,
    expires_at INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    evidence TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mirror_id, scheme, family)
) WITHOUT ROWID, STRICT;

-- The last message to people about a mirror, so that they hear of each change once.
-- about: 'mirror', 'certificate', or a target such as 'https IPv6'. told: the state that they know
-- of. pause_s: how long they hear nothing more about it after told_at.
CREATE TABLE notification (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    about TEXT NOT NULL,
    told TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    pause_s INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mirror_id, about)
) WITHOUT ROWID, STRICT;

-- Times at which this host looked cut off, by address family: the last one of each.
-- until: when it was over; NULL: it goes on. told: whether people know how it is now; told_at: when
-- they last heard of it.
CREATE TABLE outage (
    family INTEGER PRIMARY KEY CHECK (family IN (4, 6)),
    since INTEGER NOT NULL,
    until INTEGER,
    reason TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    told_at INTEGER
) STRICT;

-- Every scan, probe, index and import: when, what came of it. `counts` is JSON. error: why it
-- failed. note: what an admin should know of a run that did its work.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('index', 'scan', 'probe', 'import')),
    mirror_id INTEGER REFERENCES mirror (id) ON DELETE SET NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT NOT NULL DEFAULT 'running'
        CHECK (outcome IN ('running', 'ok', 'partial', 'failed', 'suspicious', 'interrupted')),
    counts TEXT NOT NULL DEFAULT '{}',
    error TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX run_by_mirror ON run (mirror_id, kind, id);

-- A scan that finds just what the last one of the mirror found, with the same numbers, makes no row
-- of `run`: it is counted here, so that scanning unchanged mirrors writes next to nothing.
-- times: how often since; last_at: when a scan found it last.
CREATE TABLE run_repeat (
    run_id INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    times INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;

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

-- Notes of one scan over HTTP for the next, one row per mirror, written with the content that it
-- belongs to and only when it changed: versions of index pages, so that unchanged directories are
-- not read again, and directories that an interrupted scan did not come to. `generation` is that
-- of mirror_content, `source` a hash of the URL; of another content or URL it is worth nothing.
CREATE TABLE scan_directory (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    source INTEGER NOT NULL,
    tree_generation INTEGER NOT NULL,
    learnt_at INTEGER NOT NULL,
    shift_min INTEGER NOT NULL,
    directories BLOB NOT NULL,
    unfinished BLOB NOT NULL
) STRICT;

-- When mirrors were last asked, whatever came of it: written before they are, so that a scan that
-- fails or is killed is not made again at once. whole_at: for all they have. changed_at: for
-- directories that changed in the catalogue.
CREATE TABLE scan_attempt (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    whole_at INTEGER,
    changed_at INTEGER
) STRICT;

-- The trace that a mirror leaves after a sync, where it describes itself; hints, never facts.
-- read_at: when it was first read as it is. synced_at: NULL when the time given cannot be.
-- schemes: words; '': it does not say.
CREATE TABLE mirror_trace (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    read_at INTEGER NOT NULL,
    synced_at INTEGER,
    tree_generation INTEGER,
    schemes TEXT NOT NULL DEFAULT '',
    connections INTEGER,
    max_file_size INTEGER
) STRICT;

-- Mirrors whose scan somebody has asked for: they have changed, as their operators say.
CREATE TABLE scan_request (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    requested_at INTEGER NOT NULL
) STRICT;

-- Answers of pull-through caches to probes: how many of them told whether the cache had the file
-- already (hits: it had). Both are halved now and then, so that old ones count less.
CREATE TABLE cache_answer (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    hits INTEGER NOT NULL,
    answers INTEGER NOT NULL
) STRICT;

-- A product is a build with a name that a query asks for: ?product=NAME&os=OS&lang=LANGUAGE. Names
-- are compared without case. No language: there are as many as there are files. path: of the file
-- below the tree; `:lang` in it stands for the language. product_alias: names for other names.
-- product_generation in meta: counts changes of these tables, so that the responder reads them
-- only after one.
CREATE TABLE product (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    ssl_only INTEGER NOT NULL DEFAULT 0 CHECK (ssl_only IN (0, 1))
) STRICT;
CREATE TABLE product_language (
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    language TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (product_id, language)
) STRICT, WITHOUT ROWID;
CREATE TABLE product_location (
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    os TEXT NOT NULL COLLATE NOCASE,
    path TEXT NOT NULL,
    PRIMARY KEY (product_id, os)
) STRICT, WITHOUT ROWID;
CREATE TABLE product_alias (
    alias TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('product_generation', 0);

-- Results of following redirects (heliostat-probe --follow). follow_hour: sums of an hour since
-- 1970 by mirror and result; is_weighted: drawn from redirects that clients got, and not from what
-- mirrors should have. A mirror that is deleted keeps its sums, because the site's rate has them.
-- follow_total: the same since the first, which only grows.
CREATE TABLE follow_hour (
    hour INTEGER NOT NULL,
    mirror_id INTEGER NOT NULL,
    result TEXT NOT NULL,
    is_weighted INTEGER NOT NULL CHECK (is_weighted IN (0, 1)),
    checks INTEGER NOT NULL,
    PRIMARY KEY (hour, mirror_id, result, is_weighted)
) STRICT, WITHOUT ROWID;
CREATE TABLE follow_total (
    result TEXT NOT NULL PRIMARY KEY,
    checks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A mirror that did not have a file although a scan had seen it there. confirmed_at: it was wrong
-- a second time, so that it gets no clients for this file until it is scanned; NULL: seen once.
-- evidence: a command line that shows the same.
CREATE TABLE contradiction (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    result TEXT NOT NULL,
    evidence TEXT NOT NULL,
    PRIMARY KEY (mirror_id, file_id)
) STRICT, WITHOUT ROWID;
-- Pieces of files whose bytes were compared with ours: since when, how many were right and wrong,
-- and the last one. bytes: fetched on the day (since 1970) `day`.
CREATE TABLE piece_check (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    good INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    day INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

-- The past, as pages show it. probe_hour, probe_day: results of probes, added up per hour and day
-- (numbers since 1970, UTC). checks: results that count; ok: good ones; ms_sum, ms_sq: sums of
-- the good ones' milliseconds and of their squares. mirror_day: how a mirror was when pages were
-- last made on that day; coverage and up_share between 0 and 1, lag in seconds. mirror_epoch: the
-- scan that first found the news of the epoch that begins with that id.
CREATE TABLE probe_hour (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    scheme TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    checks INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    ms_sum INTEGER NOT NULL,
    ms_sq INTEGER NOT NULL,
    PRIMARY KEY (mirror_id, hour, scheme, family)
) WITHOUT ROWID, STRICT;
CREATE TABLE probe_day (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    scheme TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    checks INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    ms_sum INTEGER NOT NULL,
    ms_sq INTEGER NOT NULL,
    PRIMARY KEY (mirror_id, day, scheme, family)
) WITHOUT ROWID, STRICT;
CREATE TABLE mirror_day (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    day INTEGER NOT NULL,
    coverage REAL,
    lag INTEGER,
    up_share REAL,
    PRIMARY KEY (mirror_id, day)
) WITHOUT ROWID, STRICT;
CREATE TABLE mirror_epoch (
    first_id INTEGER NOT NULL,
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (first_id, mirror_id)
) WITHOUT ROWID, STRICT;

-- Earlier versions of files by which mirrors are judged, such as repomd.xml: what mirrors that are
-- behind have is a whole repository, too. id: of the replaced version, whose bits in mirror_content
-- stay. marker_generation in meta: counts changes of this table.
CREATE TABLE marker_version (
    path BLOB NOT NULL,
    id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    md5 BLOB,
    sha1 BLOB,
    sha256 BLOB,
    sha512 BLOB,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (path, id)
) WITHOUT ROWID, STRICT;
INSERT INTO meta (key, value) VALUES ('marker_generation', 0);

-- Plans by which mirrors are taken out of service for a while. from_at: when nobody is sent to the
-- mirror any more; ramp_s: seconds before that in which its share falls; until_at: when the drain
-- ends at the earliest, NULL: when it is cancelled; back_at: when the mirror was well again after
-- that, so that its share rises.
CREATE TABLE drain (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    from_at INTEGER NOT NULL,
    ramp_s INTEGER NOT NULL CHECK (ramp_s >= 0),
    until_at INTEGER CHECK (until_at >= from_at),
    back_at INTEGER,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
