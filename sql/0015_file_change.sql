-- file_generation: the last generations of the tree, without gaps. stamp: a random number that no
-- other generation has, so that what was read at this one is never mixed with what another history
-- counted up to the same number. changes: how many paths changed from the generation before; NULL:
-- nobody remembers which, as for the first one that is kept.
CREATE TABLE file_generation (
    generation INTEGER PRIMARY KEY,
    stamp INTEGER NOT NULL,
    changes INTEGER
) STRICT;

INSERT INTO file_generation (generation, stamp)
SELECT value, random() FROM meta WHERE key = 'tree_generation';

-- The paths that a generation added, changed or removed; `file` says how they are now.
CREATE TABLE file_change (
    generation INTEGER NOT NULL,
    path BLOB NOT NULL,
    PRIMARY KEY (generation, path)
) WITHOUT ROWID, STRICT;
