-- When file ids were given: one row for each index run that gave any. An id was given at the time
-- of the last row whose first_id is not greater; ids before the first row were given long ago.
CREATE TABLE id_epoch (
    first_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
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
