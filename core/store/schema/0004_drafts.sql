-- SPDX-License-Identifier: Apache-2.0
--
-- Schema 4: what is written in a conversation's composer and not sent yet, attachments in front as in a message.

CREATE TABLE draft (
    -- 0 = the new chat, which is no conversation yet: no foreign key for its sake
    conversation_id INTEGER PRIMARY KEY,
    text            TEXT    NOT NULL
) STRICT;

CREATE TRIGGER draft_of_conversation AFTER DELETE ON conversation BEGIN
    DELETE FROM draft WHERE conversation_id = old.id;
END;
