-- The past, as pages show it. probe_hour, probe_day: results of probes, added up per hour and day
-- (numbers since 1970, UTC). checks: results that count; ok: good ones; ms_sum, ms_sq: sums of the
-- good ones' milliseconds and of their squares. mirror_day: how a mirror was when pages were last
-- made on that day; coverage and up_share between 0 and 1, lag in seconds. mirror_epoch: the scan
-- that first found the news of the epoch that begins with that id.
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
