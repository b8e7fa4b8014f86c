-- Captures of serial plates as far as conversations feed them, and the equipment that comes of them. Only what
-- PostgreSQL 15 knows.

-- Which capture heard which conversation, and how far. What it comes to is ocr's; `outcome` is its last state.
CREATE TABLE captures (
    capture_id      uuid PRIMARY KEY,
    tenant          text        NOT NULL,
    conversation_id uuid        NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    turns           integer     NOT NULL CHECK (turns >= 1),
    order_id        uuid REFERENCES orders (id),
    opened_at       timestamptz NOT NULL,
    outcome         text        NOT NULL DEFAULT '',
    ended_at        timestamptz
);
CREATE INDEX captures_conversation ON captures (conversation_id, opened_at);

-- The last number given in each tenant. Its row's lock makes numbers unique and gapless, and lets one capture of a
-- tenant find its asset after the other.
CREATE TABLE asset_numbers (
    tenant text PRIMARY KEY,
    last   bigint NOT NULL
);

-- Equipment. `serial_key` is what of the serial is compared: letters and digits, upper case. What was read from plates
-- and what people wrote are apart, so that neither hides the other for good.
CREATE TABLE assets (
    id                uuid PRIMARY KEY,
    tenant            text        NOT NULL,
    number            bigint      NOT NULL,
    version           bigint      NOT NULL CHECK (version >= 1),
    serial            text        NOT NULL,
    serial_key        text        COLLATE "C" NOT NULL CHECK (serial_key <> ''),
    origin            text        NOT NULL,
    confidence        integer     NOT NULL CHECK (confidence BETWEEN 0 AND 1000),
    decided_by        text        NOT NULL,
    read              jsonb       NOT NULL,
    written           jsonb       NOT NULL,
    order_id          uuid REFERENCES orders (id),
    registered_at     timestamptz NOT NULL,
    changed_at        timestamptz NOT NULL,
    traceparent       text,
    -- The sheet that is in force, and the version that it shows; 0 before the first.
    sheet_document_id uuid,
    sheet_version     bigint      NOT NULL DEFAULT 0,
    -- When a worker makes the next one; whoever takes it up moves the time on. Null: none is to be made.
    sheet_due_at      timestamptz,
    sheet_tries       integer     NOT NULL DEFAULT 0,
    UNIQUE (tenant, number),
    UNIQUE (tenant, serial_key)
);
CREATE INDEX assets_latest ON assets (tenant, changed_at, id);
CREATE INDEX assets_of_order ON assets (tenant, order_id, changed_at, id) WHERE order_id IS NOT NULL;
CREATE INDEX assets_sheet_due ON assets (sheet_due_at) WHERE sheet_due_at IS NOT NULL;

-- Every event of every asset, gapless; never changed.
CREATE TABLE asset_history (
    asset_id    uuid        NOT NULL REFERENCES assets (id),
    version     bigint      NOT NULL,
    tenant      text        NOT NULL,
    event_id    uuid        NOT NULL,
    fact        text        NOT NULL CHECK (fact IN ('registered', 'seen', 'changed', 'mismatch')),
    capture_id  uuid,
    order_id    uuid REFERENCES orders (id),
    serial      text        NOT NULL DEFAULT '',
    origin      text        NOT NULL DEFAULT '',
    confidence  integer     NOT NULL DEFAULT 0,
    done_by     text        NOT NULL DEFAULT '',
    data        jsonb       NOT NULL DEFAULT '{}',
    at          timestamptz NOT NULL,
    traceparent text,
    PRIMARY KEY (asset_id, version)
);
-- A capture leads to one fact, however often its end is told.
CREATE UNIQUE INDEX asset_history_capture ON asset_history (tenant, capture_id) WHERE capture_id IS NOT NULL;

-- Commands on assets that had their effect, with their answer. Forgotten after 30 days, as those on orders.
CREATE TABLE asset_commands (
    tenant   text        NOT NULL,
    key      text        NOT NULL,
    digest   bytea       NOT NULL,
    asset_id uuid        NOT NULL REFERENCES assets (id),
    answer   bytea       NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX asset_commands_old ON asset_commands (at);

SELECT protect_tenant_rows(t::regclass)
FROM unnest(ARRAY['captures', 'asset_numbers', 'assets', 'asset_history', 'asset_commands']) AS t;
