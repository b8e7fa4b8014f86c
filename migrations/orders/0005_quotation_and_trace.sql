-- The price that an order was offered at, and the trace that it belongs to. Only what PostgreSQL 15 knows.

-- A price stands from the moment it is sent until work on another one begins; the journal keeps every one.
ALTER TABLE orders
    ADD COLUMN quotation_minor    bigint CHECK (quotation_minor > 0),
    ADD COLUMN quotation_currency text,
    ADD COLUMN quotation_note     text NOT NULL DEFAULT '',
    ADD COLUMN quotation_until    date,
    ADD CHECK ((quotation_minor IS NULL) = (quotation_currency IS NULL));
ALTER TABLE order_journal
    ADD COLUMN quotation_minor    bigint,
    ADD COLUMN quotation_currency text,
    ADD COLUMN quotation_note     text NOT NULL DEFAULT '',
    ADD COLUMN quotation_until    date,
    ADD CHECK ((quotation_minor IS NULL) = (quotation_currency IS NULL));

-- Everything that happens to an order is told in the trace it was opened in. `asked_in` is the trace of the request of
-- the person who did it, where there was one.
ALTER TABLE orders ADD COLUMN traceparent text;
ALTER TABLE order_journal ADD COLUMN asked_in text;

-- Orders from before: their first event knows. The owner of the tables is held to the row policies like anybody.
ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE order_journal NO FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
UPDATE orders o SET traceparent = e.traceparent
FROM order_journal j JOIN outbox e ON e.id = j.event_id AND e.aggregate_id = j.order_id::text
WHERE j.order_id = o.id AND j.version = 1;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
ALTER TABLE order_journal FORCE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
