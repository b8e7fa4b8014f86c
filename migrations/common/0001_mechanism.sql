-- What every service's schema holds: relay slots, outbox, inbox, dead letters, effects, quota, connection copies.
-- Applied with search_path set to the service's schema; only what PostgreSQL 15 knows.

-- The smallest UUID version 7 of an instant: the inbox is cut into days by it.
CREATE FUNCTION uuid_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- One row per replica that writes to the outbox. A replica's inserts lock its row FOR KEY SHARE; whoever drains a
-- dead replica's tail locks it FOR UPDATE, and so waits for what is still in flight. Slots are never reused.
CREATE TABLE relay_slots (
    slot        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner       uuid        NOT NULL UNIQUE,
    cursor      bigint      NOT NULL,
    lease_until timestamptz NOT NULL
);

-- Which broker disk the outbox was last published to. Another creation time of the stream means: publish again.
CREATE TABLE relay_broker (
    stream     text PRIMARY KEY,
    created_at timestamptz NOT NULL
);

CREATE SEQUENCE outbox_seq AS bigint;

-- Events that were committed with the state they tell of. Append-only: rows are neither updated nor deleted,
-- old days are dropped whole.
CREATE TABLE outbox (
    seq               bigint      NOT NULL DEFAULT nextval('outbox_seq'),
    slot              bigint      NOT NULL,
    id                uuid        NOT NULL,
    tenant            text        NOT NULL,
    type              text        NOT NULL,
    aggregate_id      text        NOT NULL,
    aggregate_version bigint,
    cause             text,
    traceparent       text,
    payload           bytea       NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (created_at);
CREATE INDEX outbox_slot_seq ON outbox (slot, seq);
CREATE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_aggregate ON outbox (aggregate_id);
CREATE TABLE outbox_rest PARTITION OF outbox DEFAULT;

-- Events that this service has handled. Cut into days by the event's own id, so that the key stays unique.
CREATE TABLE inbox (
    event_id   uuid        NOT NULL,
    consumer   text        NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, consumer)
) PARTITION BY RANGE (event_id);
CREATE TABLE inbox_rest PARTITION OF inbox DEFAULT;

-- Events that could not be handled; visible, and replayable by clearing them.
CREATE TABLE dead_letters (
    event_id          uuid        NOT NULL,
    consumer          text        NOT NULL,
    tenant            text        NOT NULL,
    subject           text        NOT NULL,
    type              text        NOT NULL,
    aggregate_id      text        NOT NULL,
    aggregate_version bigint,
    cause             text,
    traceparent       text,
    occurred_at       timestamptz NOT NULL,
    payload           bytea       NOT NULL,
    reason            text        NOT NULL,
    attempts          integer     NOT NULL,
    dead_at           timestamptz NOT NULL DEFAULT now(),
    resolved_at       timestamptz,
    PRIMARY KEY (event_id, consumer)
);

-- Calls that change something at a provider. Journalled before the call, settled after it.
CREATE TABLE effects (
    id          uuid PRIMARY KEY,
    tenant      text        NOT NULL,
    key         text        NOT NULL UNIQUE,
    provider    text        NOT NULL,
    connection  text        NOT NULL,
    operation   text        NOT NULL,
    subject_id  text        NOT NULL,
    payload     jsonb       NOT NULL,
    priority    smallint    NOT NULL DEFAULT 1,
    state       text        NOT NULL CHECK (state IN ('due', 'calling', 'unknown')),
    attempts    integer     NOT NULL DEFAULT 0,
    not_before  timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    lease_owner uuid,
    error_class text,
    error_code  text,
    error_note  text,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    called_at   timestamptz
);
CREATE INDEX effects_due ON effects (connection, tenant, priority, not_before, id) WHERE state = 'due';
CREATE INDEX effects_calling ON effects (lease_until) WHERE state = 'calling';
CREATE INDEX effects_unknown ON effects (called_at) WHERE state = 'unknown';
CREATE INDEX effects_subject ON effects (subject_id);

-- Effects that came to their end; old months are dropped whole.
CREATE TABLE effects_history (
    id          uuid        NOT NULL,
    tenant      text        NOT NULL,
    key         text        NOT NULL,
    provider    text        NOT NULL,
    connection  text        NOT NULL,
    operation   text        NOT NULL,
    subject_id  text        NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('done', 'failed', 'closed')),
    attempts    integer     NOT NULL,
    error_class text,
    error_code  text,
    error_note  text,
    result      jsonb,
    settled_by  text        NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL,
    called_at   timestamptz,
    settled_at  timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (settled_at);
CREATE INDEX effects_history_id ON effects_history (id);
CREATE INDEX effects_history_subject ON effects_history (subject_id);
CREATE TABLE effects_history_rest PARTITION OF effects_history DEFAULT;

-- The work that each connection has; kept so that a claim looks at lanes, not at the whole backlog.
CREATE TABLE effect_lanes (
    connection   text        NOT NULL,
    tenant       text        NOT NULL,
    provider     text        NOT NULL,
    paused_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (connection, tenant)
);

-- A quota of N calls in any window is N tokens. A call takes a token; the token is free again one window after the
-- call ended, or, if its caller died, one window after the call can no longer be under way.
CREATE TABLE quota_tokens (
    scope     text        NOT NULL,
    n         integer     NOT NULL,
    window_ms bigint      NOT NULL,
    holder    uuid,
    free_at   timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (scope, n)
);
CREATE INDEX quota_tokens_free ON quota_tokens (scope, free_at);
CREATE INDEX quota_tokens_holder ON quota_tokens (holder) WHERE holder IS NOT NULL;

-- The last connections seen, still sealed: a service starts and works without the broker.
CREATE TABLE connection_copies (
    id         text PRIMARY KEY,
    tenant     text        NOT NULL,
    provider   text        NOT NULL,
    account    text,
    settings   jsonb       NOT NULL,
    sealed     jsonb       NOT NULL,
    revision   bigint      NOT NULL,
    deleted    boolean     NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Makes the partitions of the days ahead and drops those past retention. Runs as the owner of the tables.
CREATE FUNCTION maintain_partitions(keep interval, ahead_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    day    date;
    parent text;
    name   text;
    old    record;
    done   integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.maintain_partitions'));
    FOR day IN SELECT (now() AT TIME ZONE 'UTC')::date + n FROM generate_series(0, ahead_days) AS n LOOP
        FOREACH parent IN ARRAY partitioned_tables() LOOP
            name := parent || to_char(day, '"_p"YYYYMMDD');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent,
                CASE parent WHEN 'inbox' THEN uuid_floor(day::timestamp AT TIME ZONE 'UTC')::text
                            ELSE (day::timestamp AT TIME ZONE 'UTC')::text END,
                CASE parent WHEN 'inbox' THEN uuid_floor((day + 1)::timestamp AT TIME ZONE 'UTC')::text
                            ELSE ((day + 1)::timestamp AT TIME ZONE 'UTC')::text END);
            -- Row-level security guards the parent; nobody who answers callers reads a partition past it.
            EXECUTE format('REVOKE ALL ON %I FROM %I', name, current_schema() || '_api');
            done := done + 1;
        END LOOP;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = current_schema()::regnamespace AND p.relname = ANY (partitioned_tables())
          AND c.relname ~ '_p[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 < (now() - keep)::date
    LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;

-- The tables cut into days; a service with more of them replaces this function.
CREATE FUNCTION partitioned_tables() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY['outbox', 'inbox', 'effects_history']
$$;

SELECT maintain_partitions('30 days', 7);

DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON outbox_rest, inbox_rest, effects_history_rest FROM %I', current_schema() || '_api');
END $$;

-- Each tenant sees its own rows only; workers batch over tenants and take the tenant from the row.
CREATE FUNCTION protect_tenant_rows(target regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    service text := current_schema();
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY own_tenant ON %s FOR ALL TO %I USING (tenant = current_setting(''puente.tenant'', true)) WITH CHECK (tenant = current_setting(''puente.tenant'', true))', target, service || '_api');
    EXECUTE format('CREATE POLICY all_tenants ON %s FOR ALL TO %I USING (true) WITH CHECK (true)', target, service || '_worker');
END $$;

SELECT protect_tenant_rows(t::regclass)
FROM unnest(ARRAY['outbox', 'dead_letters', 'effects', 'effects_history', 'effect_lanes', 'connection_copies']) AS t;

-- Dropping days is the workers' business alone: the function acts with its owner's rights.
REVOKE EXECUTE ON FUNCTION maintain_partitions(interval, integer), protect_tenant_rows(regclass) FROM PUBLIC;
DO $$ BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION maintain_partitions(interval, integer) TO %I', current_schema() || '_worker');
END $$;
