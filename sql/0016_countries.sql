-- only_countries: the mirror serves clients of these countries alone; not_countries: it does not
-- serve clients of these. Clients of its own prefixes are served all the same.
ALTER TABLE mirror ADD COLUMN only_countries TEXT NOT NULL DEFAULT '';
ALTER TABLE mirror ADD COLUMN not_countries TEXT NOT NULL DEFAULT '';
