-- When mirrors were last asked, whatever came of it: written before they are, so that a scan that
-- fails or is killed is not made again at once. whole_at: for all they have. changed_at: for
-- directories that changed in the catalogue.
CREATE TABLE scan_attempt (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    whole_at INTEGER,
    changed_at INTEGER
) STRICT;
