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
