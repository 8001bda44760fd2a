-- SPDX-License-Identifier: Apache-2.0
--
-- Schema 1: conversations, their messages, settings.
-- Schema files are run once each, in order, and never edited afterwards: a change is a new file.
-- Times are Unix times in milliseconds. Texts are UTF-8. Truth values are 0 and 1.

-- Marks the file as Hearth's ("HRTH"), so that another program's database is never taken for ours.
PRAGMA application_id = 1213355080;

CREATE TABLE conversation (
    -- AUTOINCREMENT: an id that was once purged never names another conversation.
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    title         TEXT    NOT NULL,
    -- The title with Unicode case folding, in composed form: what the search looks in.
    title_folded  TEXT    NOT NULL,
    -- 1 once the user renamed it; automatic titles then keep off.
    title_by_user INTEGER NOT NULL DEFAULT 0 CHECK (title_by_user IN (0, 1)),
    created_ms    INTEGER NOT NULL,
    -- Last new message; the list is sorted by it.
    updated_ms    INTEGER NOT NULL,
    -- Set = in the bin since then; NULL = in the list.
    deleted_ms    INTEGER,
    -- The path from a root down to this message is the one that is shown. NULL = no message yet.
    active_leaf   INTEGER,
    -- The leaf is one of this conversation's own messages.
    FOREIGN KEY (id, active_leaf) REFERENCES message (conversation_id, id) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX conversation_by_update ON conversation (updated_ms) WHERE deleted_ms IS NULL;
CREATE INDEX conversation_by_delete ON conversation (deleted_ms) WHERE deleted_ms IS NOT NULL;

-- One node of a conversation's tree. Children of one parent are alternatives of each other (an edited question, a
-- regenerated answer), in the order of their ids.
CREATE TABLE message (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    -- NULL = a root. A parent is older than its children, so no chain of parents can be a ring, and a path sorted by
    -- id is in reading order.
    parent_id       INTEGER CHECK (parent_id < id),
    -- 0 system, 1 user, 2 assistant
    role            INTEGER NOT NULL CHECK (role IN (0, 1, 2)),
    -- 0 complete, 1 being generated, 2 interrupted by the end of the program, 3 stopped by the user, 4 failed
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    created_ms      INTEGER NOT NULL,
    -- Display name of the model that wrote it; empty for a user's message.
    model           TEXT    NOT NULL DEFAULT '',
    -- What went wrong, for state 4.
    error_text      TEXT    NOT NULL DEFAULT '',
    -- JSON object with the figures of a reply (tokens, seconds, back end ...); NULL = none. New figures need no
    -- migration; absent ones read as zero.
    stats           TEXT,
    -- Last, because a long text goes to overflow pages that readers of the other columns then never touch.
    text            TEXT    NOT NULL,
    UNIQUE (conversation_id, id),
    -- A parent is of the same conversation. No cascade here: SQLite nests cascades at most 1,000 deep, and a
    -- conversation is deleted as a whole.
    FOREIGN KEY (conversation_id, parent_id) REFERENCES message (conversation_id, id) DEFERRABLE INITIALLY DEFERRED
);

CREATE INDEX message_by_parent ON message (conversation_id, parent_id);
CREATE INDEX message_generating ON message (state) WHERE state = 1;

-- Only what differs from the program's defaults. model = '' is the global value; another model is an override for it.
CREATE TABLE setting (
    model TEXT NOT NULL,
    key   TEXT NOT NULL,
    -- INTEGER (also truth values), REAL or TEXT, as the program's table of settings says for the key.
    value ANY  NOT NULL,
    PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;
