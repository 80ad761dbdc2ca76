-- Notes of one scan over HTTP for the next, one row per mirror, written with the content that it
-- belongs to and only when it changed: versions of index pages, so that unchanged directories are
-- not read again, and directories that an interrupted scan did not come to. `generation` is that of
-- mirror_content, `source` a hash of the URL; of another content or URL it is worth nothing.
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
