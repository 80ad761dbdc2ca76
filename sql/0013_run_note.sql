-- A run that did its work may have a remark: `note`. `error` is of runs that did not.
ALTER TABLE run ADD COLUMN note TEXT NOT NULL DEFAULT '';
UPDATE run SET note = error, error = '' WHERE outcome IN ('ok', 'partial');
