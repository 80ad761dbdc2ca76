-- A scan that finds just what the last one of the mirror found, with the same numbers, makes no row
-- of `run`: it is counted here, so that scanning unchanged mirrors writes next to nothing.
-- times: how often since; last_at: when a scan found it last.
CREATE TABLE run_repeat (
    run_id INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    times INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT;
