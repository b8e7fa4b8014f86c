-- Messages to people: what was asked for, how far each has come, and who may be written to.
-- Bodies are never kept here: a rendered text lives in its effect until that has ended.

-- One row per message. `cause` makes a repeated request the same message, also after the inbox has forgotten it.
CREATE TABLE messages (
    id                  uuid PRIMARY KEY,
    tenant              text        NOT NULL,
    cause               uuid        NOT NULL,
    about               text        NOT NULL,
    template            text        NOT NULL,
    form                text        NOT NULL CHECK (form IN ('session', 'template', 'none')),
    category            text        NOT NULL,
    recipient           jsonb       NOT NULL,
    provider            text        NOT NULL,
    connection          text        NOT NULL,
    contact_id          text        NOT NULL,
    effect_key          text        NOT NULL UNIQUE,
    provider_message_id text,
    state               text        NOT NULL CHECK (state IN ('queued', 'sent', 'delivered', 'read', 'failed')),
    version             bigint      NOT NULL,
    error_code          text,
    error_tag           text,
    error_note          text,
    billable            boolean,
    price_category      text,
    cost_minor          bigint,
    cost_currency       text,
    parked_at           timestamptz,
    parked_reason       text,
    traceparent         text,
    queued_at           timestamptz NOT NULL,
    sent_at             timestamptz,
    delivered_at        timestamptz,
    read_at             timestamptz,
    failed_at           timestamptz,
    UNIQUE (tenant, cause)
);
CREATE UNIQUE INDEX messages_provider_id ON messages (tenant, connection, provider_message_id)
    WHERE provider_message_id IS NOT NULL;
CREATE INDEX messages_about ON messages (tenant, about, queued_at);
CREATE INDEX messages_old ON messages (queued_at);

-- When a message was first seen in each state, whatever the order in which that was told.
CREATE TABLE message_timeline (
    message_id uuid        NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    tenant     text        NOT NULL,
    state      text        NOT NULL,
    at         timestamptz NOT NULL,
    source     text        NOT NULL CHECK (source IN ('request', 'call', 'receipt', 'person')),
    PRIMARY KEY (message_id, state)
);

-- Receipts that came before the answer of the call they belong to, or that belong to nobody here.
CREATE TABLE pending_receipts (
    tenant              text        NOT NULL,
    connection          text        NOT NULL,
    provider_message_id text        NOT NULL,
    state               text        NOT NULL,
    error_code          text        NOT NULL,
    billable            boolean,
    price_category      text        NOT NULL,
    changed_at          timestamptz NOT NULL,
    event_id            uuid        NOT NULL,
    traceparent         text,
    received_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant, connection, provider_message_id, state)
);
CREATE INDEX pending_receipts_old ON pending_receipts (received_at);

-- What a contact's own messages say: whether the session window is open, and whether they want to hear from us.
CREATE TABLE message_contacts (
    tenant          text NOT NULL,
    connection      text NOT NULL,
    contact_id      text NOT NULL,
    last_inbound_at timestamptz,
    opted_in_at     timestamptz,
    opted_in_by     text,
    marketing_at    timestamptz,
    opted_out_at    timestamptz,
    opted_out_by    text,
    PRIMARY KEY (tenant, connection, contact_id)
);

-- How many events of an order were applied: the next one has the next version.
CREATE TABLE order_watch (
    tenant   text   NOT NULL,
    order_id text   NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (tenant, order_id)
);

-- Templates as the provider knows them. `parameters` is unknown until the account's list was read.
CREATE TABLE provider_templates (
    tenant     text        NOT NULL,
    connection text        NOT NULL,
    name       text        NOT NULL,
    language   text        NOT NULL,
    status     text        NOT NULL,
    approved   boolean     NOT NULL,
    category   text        NOT NULL,
    parameters integer,
    reason     text        NOT NULL DEFAULT '',
    as_of      timestamptz NOT NULL,
    PRIMARY KEY (tenant, connection, name, language)
);

-- When the templates of a connection were read last, and who is reading them now.
CREATE TABLE template_listings (
    connection    text PRIMARY KEY,
    tenant        text        NOT NULL,
    listed_at     timestamptz NOT NULL DEFAULT '-infinity',
    claimed_until timestamptz NOT NULL
);

SELECT protect_tenant_rows(t::regclass)
FROM unnest(ARRAY['messages', 'message_timeline', 'pending_receipts', 'message_contacts', 'order_watch',
                  'provider_templates', 'template_listings']) AS t;

-- Who answers callers reads; only the worker writes.
DO $$
DECLARE
    api text := current_schema() || '_api';
BEGIN
    EXECUTE format('REVOKE ALL ON messages, message_timeline, message_contacts, provider_templates,
                    pending_receipts, order_watch, template_listings FROM %I', api);
    EXECUTE format('GRANT SELECT ON messages, message_timeline, message_contacts, provider_templates TO %I', api);
END $$;
