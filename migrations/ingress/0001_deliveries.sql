-- What came in: every request with its verification result, and the keys by which repeated happenings are known.

CREATE TABLE deliveries (
    id               uuid        NOT NULL,
    received_at      timestamptz NOT NULL DEFAULT now(),
    receipt_sequence bigint      NOT NULL,
    provider         text        NOT NULL,
    connection       text,
    -- NULL when it could not be told, or when one request carried events of several tenants: operators only.
    tenant           text,
    path             text        NOT NULL,
    query            text        NOT NULL,
    headers          jsonb       NOT NULL,
    body             bytea       NOT NULL,
    body_bytes       integer     NOT NULL,
    verification     text        NOT NULL CHECK (verification IN ('verified', 'refused')),
    outcome          text        NOT NULL
        CHECK (outcome IN ('accepted', 'duplicate', 'ignored', 'unroutable', 'malformed', 'refused')),
    reason           text,
    events           integer     NOT NULL,
    traceparent      text
) PARTITION BY RANGE (received_at);
CREATE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_received ON deliveries USING brin (received_at);
-- The visible queue of what an operator has to look at is short, so its index is.
CREATE INDEX deliveries_attention ON deliveries (received_at) WHERE outcome IN ('unroutable', 'malformed', 'ignored', 'refused');
CREATE TABLE deliveries_rest PARTITION OF deliveries DEFAULT;

-- One row per happening that a provider told us of: the key is a hash of provider, connection and the identity found
-- in the signed content. Purged after the longest time that the provider goes on redelivering.
CREATE TABLE delivery_keys (
    key         uuid PRIMARY KEY,
    event_id    uuid        NOT NULL,
    delivery_id uuid        NOT NULL,
    provider    text        NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX delivery_keys_seen ON delivery_keys USING brin (seen_at);

CREATE OR REPLACE FUNCTION partitioned_tables() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY['outbox', 'inbox', 'effects_history', 'deliveries']
$$;
SELECT maintain_partitions('30 days', 7);
SELECT protect_tenant_rows('deliveries');
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON deliveries_rest FROM %I', current_schema() || '_api');
END $$;
