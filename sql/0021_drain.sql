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
