-- database_id: which database this is; its copies have the same. branch_id: which line of its
-- history; a restored copy begins another, in which ids and generations are given again. is_copy:
-- made by `heliostat backup` and never written since.
INSERT INTO meta (key, value)
VALUES ('database_id', random()), ('branch_id', random()), ('is_copy', 0);
