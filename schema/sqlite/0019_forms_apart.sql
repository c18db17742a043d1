-- Why a document has no file of this form: it was put apart, and its batch went
-- on. Then there is no file_name and no hash. '': it has one.
ALTER TABLE document_files ADD COLUMN error TEXT NOT NULL DEFAULT '';
CREATE INDEX document_files_apart ON document_files (document_id)
  WHERE error <> '';
