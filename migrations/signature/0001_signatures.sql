-- Documents that people sign: one row per request, its signers, and reports that wait for their request.
-- Files are never kept here: they lie in the store of documents under keys that follow from the request's id.

-- One row per request. `step` says what is being done; `due_at` when a worker takes it up next, and a worker that holds
-- it has put that time ahead: whoever dies leaves it to the next one.
CREATE TABLE signatures (
    id            uuid PRIMARY KEY,
    tenant        text        NOT NULL,
    order_id      uuid        NOT NULL,
    number        text        NOT NULL,
    attempt       integer     NOT NULL,
    -- What the contract says, and who may be told of a rejection.
    request       jsonb       NOT NULL,
    requested_by  text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    state         text        NOT NULL CHECK (state IN ('EnProceso', 'Firmado', 'Rechazado', 'Anulado')),
    step          text        NOT NULL CHECK (step IN ('preparing', 'sending', 'waiting', 'storing', 'manual', 'ended')),
    manual        boolean     NOT NULL DEFAULT false,
    reason        text        NOT NULL DEFAULT '',
    provider      text        NOT NULL DEFAULT '',
    connection    text        NOT NULL DEFAULT '',
    envelope_id   text,
    problem_code  text,
    problem       text,
    problem_tag   text        CHECK (problem_tag IN ('temporary', 'permanent', 'configuration')),
    problem_since timestamptz,
    version       bigint      NOT NULL,
    contract_id   uuid,
    -- Key, hash and size of the contract, for the call that sends it.
    contract_key  text,
    contract_hash text,
    signed_id     uuid,
    traceparent   text,
    trace_id      text GENERATED ALWAYS AS (nullif(split_part(traceparent, '-', 2), '')) STORED,
    changed_at    timestamptz NOT NULL,
    -- Since when the provider neither reported nor was asked; and when it was last asked.
    quiet_since   timestamptz NOT NULL,
    checked_at    timestamptz,
    due_at        timestamptz NOT NULL,
    tries         integer     NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX signatures_envelope ON signatures (tenant, connection, envelope_id) WHERE envelope_id IS NOT NULL;
CREATE INDEX signatures_newest ON signatures (tenant, requested_at, id);
CREATE INDEX signatures_of_order ON signatures (tenant, order_id, attempt, requested_at);
CREATE INDEX signatures_trace ON signatures (tenant, trace_id) WHERE trace_id IS NOT NULL;
-- What workers and the poller look for among the many that have ended.
CREATE INDEX signatures_due ON signatures (due_at) WHERE step IN ('preparing', 'storing');
CREATE INDEX signatures_quiet ON signatures (provider, quiet_since) WHERE step = 'waiting';
CREATE INDEX signatures_open ON signatures (tenant, requested_at, id) WHERE step <> 'ended';

CREATE TABLE signers (
    request_id   uuid        NOT NULL REFERENCES signatures (id) ON DELETE CASCADE,
    tenant       text        NOT NULL,
    position     smallint    NOT NULL CHECK (position BETWEEN 1 AND 3),
    role         text        NOT NULL CHECK (role IN ('client', 'service_provider', 'agent')),
    name         text        NOT NULL,
    email        text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('waiting', 'sent', 'delivered', 'failed', 'signed', 'declined')),
    reason       text        NOT NULL DEFAULT '',
    sent_at      timestamptz,
    delivered_at timestamptz,
    ended_at     timestamptz,
    -- Was told that another one refused.
    told         boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (request_id, position),
    UNIQUE (request_id, role)
);

-- Reports on envelopes that are not known (yet): the answer to the call that made one may still be on its way.
CREATE TABLE pending_reports (
    tenant      text        NOT NULL,
    connection  text        NOT NULL,
    envelope_id text        NOT NULL,
    event_id    uuid        NOT NULL,
    -- The event as it came.
    report      bytea       NOT NULL,
    traceparent text,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, connection, envelope_id, event_id)
);
CREATE INDEX pending_reports_old ON pending_reports (received_at);

-- Commands that had their effect: one that comes again with its key has none. Forgotten after 30 days.
CREATE TABLE signature_commands (
    tenant     text        NOT NULL,
    key        text        NOT NULL,
    digest     bytea       NOT NULL,
    request_id uuid        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX signature_commands_old ON signature_commands (at);

SELECT protect_tenant_rows(t::regclass)
FROM unnest(ARRAY['signatures', 'signers', 'pending_reports', 'signature_commands']) AS t;

-- Who answers callers reads; only the worker writes.
DO $$
DECLARE
    api text := current_schema() || '_api';
BEGIN
    EXECUTE format('REVOKE ALL ON signatures, signers, pending_reports, signature_commands FROM %I', api);
    EXECUTE format('GRANT SELECT ON signatures, signers TO %I', api);
END $$;

-- Events are looked for by their trace and by what caused them.
CREATE INDEX outbox_trace ON outbox (traceparent COLLATE "C");
CREATE INDEX outbox_cause ON outbox (cause);
