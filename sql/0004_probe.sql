-- Probes with hysteresis, and what people were told. No program wrote the first table `probe`.
DROP TABLE probe;

-- Results of probes of each base URL (by scheme) of a mirror over each address family. No row for a
-- family beside one for the other: the host has no such address.
-- url: what was probed, without credentials. usable: after hysteresis, what selection goes by.
-- failures, results: the last results since usable changed, bit 0 the latest, 1 a failure.
-- ok: the last result; NULL when it could not be checked from here. reason: why it failed, or what
-- was odd. evidence: a command line that shows the same. expires_at: of the TLS certificate.
CREATE TABLE probe (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    scheme TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    url TEXT NOT NULL,
    usable INTEGER NOT NULL CHECK (usable IN (0, 1)),
    failures INTEGER NOT NULL DEFAULT 0,
    results INTEGER NOT NULL DEFAULT 0,
    ok INTEGER CHECK (ok IN (0, 1)),
    checked_at INTEGER NOT NULL,
    latency_ms INTEGER,
    expires_at INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    evidence TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mirror_id, scheme, family)
) WITHOUT ROWID, STRICT;

-- The last message to people about a mirror, so that they hear of each change once.
-- about: 'mirror', 'certificate', or a target such as 'https IPv6'. told: the state that they know
-- of. pause_s: how long they hear nothing more about it after told_at.
CREATE TABLE notification (
    mirror_id INTEGER NOT NULL REFERENCES mirror (id) ON DELETE CASCADE,
    about TEXT NOT NULL,
    told TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    pause_s INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mirror_id, about)
) WITHOUT ROWID, STRICT;
