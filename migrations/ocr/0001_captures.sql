-- Captures of serial plates: what people send, each photograph with its reading, and what was decided.
-- Photographs are never kept here: they lie in the store of documents under keys that follow from capture and turn.

-- One row per capture. Version 0: turns of it are here, but not yet the first. `due_at` is when a worker takes it up
-- next; `held_until` until when one holds it: whoever dies leaves it to the next one.
CREATE TABLE plate_captures (
    id               uuid PRIMARY KEY,
    tenant           text        NOT NULL,
    state            text        NOT NULL CHECK (state IN ('Leyendo', 'PorConfirmar', 'OtraFoto', 'Ilegible', 'Leido',
                                                           'EscritoAMano', 'Generado', 'Abandonado')),
    version          bigint      NOT NULL,
    order_id         uuid,
    asset_id         uuid,
    channel          text        NOT NULL CHECK (channel IN ('whatsapp', 'api')),
    -- Who is answered, and by which connection; null when nobody is.
    contact          jsonb,
    serial           text        NOT NULL DEFAULT '',
    -- Letters and digits of the serial alone: what serials are compared by.
    serial_key       text        NOT NULL DEFAULT '',
    confidence       integer     NOT NULL DEFAULT 0 CHECK (confidence BETWEEN 0 AND 1000),
    origin           text        NOT NULL DEFAULT '' CHECK (origin IN ('', 'read', 'confirmed', 'corrected', 'manual',
                                                                       'generated')),
    decided_by       text        NOT NULL DEFAULT '',
    engine           text        NOT NULL DEFAULT '',
    facts            jsonb       NOT NULL DEFAULT '{}',
    attempt          integer     NOT NULL DEFAULT 0,
    attempts_allowed integer     NOT NULL,
    threshold        integer     NOT NULL CHECK (threshold BETWEEN 0 AND 1000),
    next_turn        integer     NOT NULL DEFAULT 1,
    due_at           timestamptz,
    held_until       timestamptz,
    tries            integer     NOT NULL DEFAULT 0,
    opened_at        timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    -- When somebody last did something: after long silence it is given up.
    touched_at       timestamptz NOT NULL,
    traceparent      text,
    trace_id         text GENERATED ALWAYS AS (nullif(split_part(traceparent, '-', 2), '')) STORED
);
CREATE INDEX captures_newest ON plate_captures (tenant, opened_at, id) WHERE version > 0;
CREATE INDEX captures_waiting ON plate_captures (tenant, updated_at, id) WHERE state IN ('PorConfirmar', 'Ilegible');
CREATE INDEX captures_of_order ON plate_captures (tenant, order_id, opened_at, id) WHERE order_id IS NOT NULL;
CREATE INDEX captures_of_asset ON plate_captures (tenant, asset_id, opened_at, id) WHERE asset_id IS NOT NULL;
CREATE INDEX captures_serial ON plate_captures (tenant, serial_key, opened_at) WHERE serial_key <> '';
-- What workers look for: the tenants that have work, the oldest of each, and how many of each are being worked on.
CREATE INDEX captures_due ON plate_captures (tenant, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX captures_held ON plate_captures (tenant) WHERE held_until IS NOT NULL;
CREATE INDEX captures_quiet ON plate_captures (touched_at) WHERE state IN ('Leyendo', 'PorConfirmar', 'OtraFoto', 'Ilegible');
CREATE INDEX captures_trace ON plate_captures (tenant, trace_id) WHERE trace_id IS NOT NULL;

-- What came, in the order in which it is worked. Words and files are forgotten with the turn's work.
CREATE TABLE turns (
    capture_id  uuid        NOT NULL REFERENCES plate_captures (id) ON DELETE CASCADE,
    turn        integer     NOT NULL CHECK (turn > 0),
    tenant      text        NOT NULL,
    event_id    uuid        NOT NULL,
    -- What was sent: file, words, choice, or the end.
    said        jsonb       NOT NULL,
    at          timestamptz NOT NULL,
    traceparent text,
    worked_at   timestamptz,
    PRIMARY KEY (capture_id, turn)
);

-- One row per photograph that counts. Made before it is fetched, so that it counts once whatever happens then.
CREATE TABLE attempts (
    capture_id   uuid        NOT NULL REFERENCES plate_captures (id) ON DELETE CASCADE,
    attempt      integer     NOT NULL CHECK (attempt > 0),
    tenant       text        NOT NULL,
    -- The turn that brought it; null when it was brought by a command.
    turn         integer,
    state        text        NOT NULL CHECK (state IN ('fetching', 'reading', 'read', 'nothing', 'unusable', 'failed')),
    -- Where it is fetched from; null once it is here.
    source       jsonb,
    began_at     timestamptz NOT NULL,
    document_id  uuid,
    container    text,
    key          text,
    sha256       text,
    media_type   text,
    bytes        bigint,
    engine       text        NOT NULL DEFAULT '',
    model        text        NOT NULL DEFAULT '',
    serial       text        NOT NULL DEFAULT '',
    serial_key   text        NOT NULL DEFAULT '',
    confidence   integer     NOT NULL DEFAULT 0,
    label        text        NOT NULL DEFAULT '',
    flaws        text[]      NOT NULL DEFAULT '{}',
    -- Candidates, facts and lines, as they were read.
    reading      jsonb       NOT NULL DEFAULT '{}',
    troubles     jsonb       NOT NULL DEFAULT '[]',
    took_ms      integer     NOT NULL DEFAULT 0,
    read_at      timestamptz,
    PRIMARY KEY (capture_id, attempt)
);
CREATE INDEX attempts_open ON attempts (tenant) WHERE state IN ('fetching', 'reading');
CREATE INDEX attempts_read ON attempts (tenant, read_at, capture_id, attempt) WHERE read_at IS NOT NULL AND key IS NOT NULL;

-- What engines read in a picture: the same picture is not sent twice.
CREATE TABLE cached_readings (
    tenant   text        NOT NULL,
    sha256   text        NOT NULL,
    engine   text        NOT NULL,
    model    text        NOT NULL,
    -- Of what the reading depends on besides: the serial patterns of the tenant.
    settings text        NOT NULL,
    reading  jsonb       NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (tenant, sha256, engine, settings)
);
CREATE INDEX cached_readings_old ON cached_readings (at);

-- Billed calls of a connection in a day (`2026-11-26`) or a month (`2026-11`).
CREATE TABLE billed_calls (
    tenant     text    NOT NULL,
    connection text    NOT NULL,
    period     text    NOT NULL,
    calls      integer NOT NULL,
    PRIMARY KEY (tenant, connection, period)
);

-- The last number that was generated for a tenant.
CREATE TABLE generated_serials (
    tenant text   PRIMARY KEY,
    last   bigint NOT NULL
);

-- Commands that had their effect: one that comes again with its key has none. Forgotten after 30 days.
CREATE TABLE capture_commands (
    tenant     text        NOT NULL,
    key        text        NOT NULL,
    digest     bytea       NOT NULL,
    capture_id uuid        NOT NULL,
    -- The attempt that it made; 0 for none.
    attempt    integer     NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX capture_commands_old ON capture_commands (at);

SELECT protect_tenant_rows(t::regclass)
FROM unnest(ARRAY['plate_captures', 'turns', 'attempts', 'cached_readings', 'billed_calls', 'generated_serials',
                  'capture_commands']) AS t;

-- Who answers callers reads; only the worker writes.
DO $$
DECLARE
    api text := current_schema() || '_api';
BEGIN
    EXECUTE format('REVOKE ALL ON plate_captures, turns, attempts, cached_readings, billed_calls, generated_serials, '
                   'capture_commands FROM %I', api);
    EXECUTE format('GRANT SELECT ON plate_captures, attempts TO %I', api);
END $$;

-- Events are looked for by their trace and by what caused them.
CREATE INDEX outbox_trace ON outbox (traceparent COLLATE "C");
CREATE INDEX outbox_cause ON outbox (cause);
