-- private: shown and given only to clients of the mirror's own prefixes and autonomous systems.
ALTER TABLE mirror ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
