-- A product is a build with a name that a query asks for: ?product=NAME&os=OS&lang=LANGUAGE. Names
-- are compared without case. No language: there are as many as there are files. path: of the file
-- below the tree; `:lang` in it stands for the language. product_alias: names for other names.
-- product_generation in meta: counts changes of these tables, so that the responder reads them
-- only after one.
CREATE TABLE product (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    ssl_only INTEGER NOT NULL DEFAULT 0 CHECK (ssl_only IN (0, 1))
) STRICT;
CREATE TABLE product_language (
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    language TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (product_id, language)
) STRICT, WITHOUT ROWID;
CREATE TABLE product_location (
    product_id INTEGER NOT NULL REFERENCES product (id) ON DELETE CASCADE,
    os TEXT NOT NULL COLLATE NOCASE,
    path TEXT NOT NULL,
    PRIMARY KEY (product_id, os)
) STRICT, WITHOUT ROWID;
CREATE TABLE product_alias (
    alias TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('product_generation', 0);
