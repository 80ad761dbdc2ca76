-- Hybrid torrents (BEP 52), and what a stored signature was read from.
-- btih_hybrid: v1 info hash of the hybrid torrent, 20 bytes; btmh: its v2 info hash, 32 bytes.
ALTER TABLE hash ADD COLUMN btih_hybrid BLOB;
ALTER TABLE hash ADD COLUMN btmh BLOB;
-- Root of the v2 tree, 32 bytes.
ALTER TABLE hash ADD COLUMN sha256_root BLOB;
-- Size and time of the .asc file whose text is in pgp; NULL for an imported signature.
ALTER TABLE hash ADD COLUMN pgp_size INTEGER;
ALTER TABLE hash ADD COLUMN pgp_mtime INTEGER;
-- The v2 tree's layer at the size of a piece, 32 bytes a piece; NULL when the file is not longer
-- than a piece.
ALTER TABLE hash_pieces ADD COLUMN sha256_layer BLOB;
