-- What lists and counts of messages need. Only what PostgreSQL 15 knows.
--
-- Row policies let an index be used only by conditions whose functions tell nothing of other rows. `reverse` and
-- `split_part` are not known to be such, plain comparisons are: hence columns, and no indexes over expressions.

-- Numbers from their last digit on: whoever is looked for by an ending is found by a plain index.
ALTER TABLE messages
    ADD COLUMN phone_reversed text COLLATE "C" GENERATED ALWAYS AS (reverse(recipient ->> 'phone')) STORED;
ALTER TABLE messages ADD COLUMN contact_reversed text COLLATE "C" GENERATED ALWAYS AS (reverse(contact_id)) STORED;
ALTER TABLE messages
    ADD COLUMN trace_id text GENERATED ALWAYS AS (nullif(split_part(traceparent, '-', 2), '')) STORED;

CREATE INDEX messages_newest ON messages (tenant, queued_at, id);
CREATE INDEX messages_of_contact ON messages (tenant, connection, contact_id, queued_at, id);
CREATE INDEX messages_trace ON messages (tenant, trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX messages_phone ON messages (tenant, phone_reversed);
CREATE INDEX messages_contact_number ON messages (tenant, contact_reversed);
-- The few that people look for among the many. Whether one is here changes rarely, so that most updates stay cheap.
CREATE INDEX messages_failed ON messages (tenant, queued_at, id) WHERE failed_at IS NOT NULL;
CREATE INDEX messages_unsent ON messages (tenant, queued_at, id) WHERE sent_at IS NULL;
CREATE INDEX messages_parked ON messages (tenant, queued_at, id) WHERE parked_at IS NOT NULL;
