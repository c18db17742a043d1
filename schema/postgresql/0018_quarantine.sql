-- A body that could not be read stays open until a person has dealt with it.
ALTER TABLE quarantine ADD COLUMN closed_ms bigint NOT NULL DEFAULT 0; -- 0: open
ALTER TABLE quarantine ADD COLUMN outcome text COLLATE "C" NOT NULL DEFAULT ''; -- replayed, dismissed, corrected
CREATE INDEX quarantine_open ON quarantine (id) WHERE closed_ms = 0;
