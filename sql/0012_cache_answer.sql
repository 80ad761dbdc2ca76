-- Answers of pull-through caches to probes: how many of them told whether the cache had the file
-- already (hits: it had). Both are halved now and then, so that old ones count less.
CREATE TABLE cache_answer (
    mirror_id INTEGER PRIMARY KEY REFERENCES mirror (id) ON DELETE CASCADE,
    hits INTEGER NOT NULL,
    answers INTEGER NOT NULL
) STRICT;
