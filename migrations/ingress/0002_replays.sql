-- Deliveries done again: jobs that any replica works on in small batches, and how far each is.

CREATE TABLE replays (
    id              uuid PRIMARY KEY,
    -- NULL: asked for by the installation, over every tenant's deliveries.
    tenant          text,
    -- A repeated start with the same key is the same replay.
    idempotency_key text        NOT NULL,
    requested_by    text        NOT NULL,
    reason          text        NOT NULL,
    -- Which deliveries; NULL and empty do not restrict.
    provider        text,
    connection      text,
    outcomes        text[]      NOT NULL,
    since           timestamptz NOT NULL,
    until           timestamptz NOT NULL,
    trace_id        text,
    state           text        NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
    -- Counted by the replica that takes it first.
    total           bigint,
    -- The last delivery that was done.
    cursor          uuid        NOT NULL,
    deliveries      bigint      NOT NULL DEFAULT 0,
    same            bigint      NOT NULL DEFAULT 0,
    different       bigint      NOT NULL DEFAULT 0,
    fresh           bigint      NOT NULL DEFAULT 0,
    skipped         bigint      NOT NULL DEFAULT 0,
    error           text,
    started_at      timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz,
    -- Who works on it, and until when without a sign of life.
    owner           uuid,
    lease_until     timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE UNIQUE INDEX replays_key ON replays (coalesce(tenant, ''), idempotency_key);
CREATE INDEX replays_running ON replays (lease_until) WHERE state = 'running';
SELECT protect_tenant_rows('replays');
