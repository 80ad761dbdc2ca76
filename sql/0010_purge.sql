-- Whether what was deleted is gone from free pages, too: databases that were made before
-- secure_delete have passwords of mirrors in them until they are rewritten once.
INSERT INTO meta (key, value) VALUES ('is_purged', 0);
