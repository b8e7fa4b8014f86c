-- Ingress counts the messages of a conversation without a gap: what has nothing missing before it need not wait.
-- `last_version` is the highest count worked; messages that are not for the bot have a place in the count only.
ALTER TABLE conversations ADD COLUMN last_version bigint NOT NULL DEFAULT 0;
ALTER TABLE conversation_messages ADD COLUMN version bigint;
ALTER TABLE conversation_messages ADD COLUMN for_bot boolean NOT NULL DEFAULT true;
CREATE INDEX conversation_messages_counted ON conversation_messages (conversation_id, version) WHERE version IS NOT NULL;
