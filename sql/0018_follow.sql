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
