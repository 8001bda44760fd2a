-- SPDX-License-Identifier: Apache-2.0
--
-- Schema 3: folders, pins, archive.

CREATE TABLE folder (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT    NOT NULL CHECK (name <> ''),
    -- 1 = only its caption is shown in the list
    collapsed INTEGER NOT NULL DEFAULT 0 CHECK (collapsed IN (0, 1))
) STRICT;

ALTER TABLE conversation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
-- 1 = out of the list, still found by the search
ALTER TABLE conversation ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1));
-- NULL = in no folder. A folder that is removed lets its conversations go.
ALTER TABLE conversation ADD COLUMN folder_id INTEGER REFERENCES folder (id) ON DELETE SET NULL;

CREATE INDEX conversation_by_folder ON conversation (folder_id) WHERE folder_id IS NOT NULL;
