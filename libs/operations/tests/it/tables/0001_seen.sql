-- A service with one table, and with the indexes by which its events are looked for.
CREATE TABLE seen (name text NOT NULL);
CREATE INDEX outbox_trace ON outbox (traceparent COLLATE "C");
CREATE INDEX outbox_cause ON outbox (cause);
