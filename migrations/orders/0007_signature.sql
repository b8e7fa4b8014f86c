-- What was sent to signature, and what became of it. Only what PostgreSQL 15 knows.

-- One row per sending of an order. Its state is that of the signature service's events: `Solicitada` until the first.
-- `version` is the last event's. `outcome` says what the last one meant for the order.
CREATE TABLE signature_requests (
    request_id   uuid PRIMARY KEY,
    tenant       text        NOT NULL,
    order_id     uuid        NOT NULL REFERENCES orders (id),
    attempt      integer     NOT NULL CHECK (attempt >= 1),
    requested_by text        NOT NULL,
    requested_at timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'Solicitada',
    version      bigint      NOT NULL DEFAULT 0,
    document_id  text        NOT NULL DEFAULT '',
    outcome      text        NOT NULL DEFAULT '',
    changed_at   timestamptz NOT NULL,
    UNIQUE (tenant, order_id, attempt)
);
SELECT protect_tenant_rows('signature_requests');

-- A command that is repeated is answered with the request that it made the first time.
ALTER TABLE commands ADD COLUMN request_id uuid REFERENCES signature_requests (request_id);

-- The document that holds the signatures; and notes: what happened to an order's papers without moving it. A note
-- stands at the version that the order had, beside the fact of that version.
ALTER TABLE order_journal ADD COLUMN document_id text NOT NULL DEFAULT '';
ALTER TABLE order_journal DROP CONSTRAINT order_journal_fact_check;
ALTER TABLE order_journal ADD CONSTRAINT order_journal_fact_check
    CHECK (fact IN ('opened', 'assigned', 'moved', 'noted'));
ALTER TABLE order_journal DROP CONSTRAINT order_journal_pkey;
ALTER TABLE order_journal ADD PRIMARY KEY (order_id, version, event_id);
CREATE UNIQUE INDEX order_journal_gapless ON order_journal (order_id, version) WHERE fact <> 'noted';

-- Times that an order's documents were sent to signature, and what came of the last one.
ALTER TABLE orders ADD COLUMN signature_attempts integer NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN signed_document text NOT NULL DEFAULT '';
