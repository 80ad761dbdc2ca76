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
