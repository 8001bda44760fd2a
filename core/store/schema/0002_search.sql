-- SPDX-License-Identifier: Apache-2.0
--
-- Schema 2: full-text search over every message. Everything here can be made anew from the messages.

-- What is searched. A reply that is still being written comes in when it ends, so that appending to it costs nothing.
CREATE VIEW message_searched AS SELECT id, text FROM message WHERE state <> 1;

-- Holds words and places only; the text itself is the view's. The tokenizer "hearth" is the program's own
-- (core/store/search_tokenizer.h): other programs can read all other tables, but not write messages.
CREATE VIRTUAL TABLE message_search USING fts5 (
    text, content = 'message_searched', content_rowid = 'id', tokenize = 'hearth', prefix = '1 2 3'
);

CREATE TRIGGER message_search_insert AFTER INSERT ON message WHEN new.state <> 1 BEGIN
    INSERT INTO message_search (rowid, text) VALUES (new.id, new.text);
END;

CREATE TRIGGER message_search_delete AFTER DELETE ON message WHEN old.state <> 1 BEGIN
    INSERT INTO message_search (message_search, rowid, text) VALUES ('delete', old.id, old.text);
END;

-- One trigger, because of two nothing would say which comes first.
CREATE TRIGGER message_search_update AFTER UPDATE OF text, state ON message
WHEN new.text <> old.text OR (new.state = 1) <> (old.state = 1) BEGIN
    INSERT INTO message_search (message_search, rowid, text) SELECT 'delete', old.id, old.text WHERE old.state <> 1;
    INSERT INTO message_search (rowid, text) SELECT new.id, new.text WHERE new.state <> 1;
END;

-- How the index was made: another tokenizer or another version of Unicode's tables makes it anew. One row.
CREATE TABLE search_state (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    tokenizer TEXT NOT NULL
) STRICT;
