-- Earlier versions of files by which mirrors are judged, such as repomd.xml: what mirrors that are
-- behind have is a whole repository, too. id: of the replaced version, whose bits in mirror_content
-- stay. marker_generation in meta: counts changes of this table.
CREATE TABLE marker_version (
    path BLOB NOT NULL,
    id INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    md5 BLOB,
    sha1 BLOB,
    sha256 BLOB,
    sha512 BLOB,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (path, id)
) WITHOUT ROWID, STRICT;
INSERT INTO meta (key, value) VALUES ('marker_generation', 0);
