-- Clients, their conversations with the bot, and orders. Only what PostgreSQL 15 knows.

-- Registered people and companies. `identity_phone` is the number that a provider vouched for when they registered;
-- `phone` is the number they gave, which proves nothing.
CREATE TABLE clients (
    id             uuid PRIMARY KEY,
    tenant         text        NOT NULL,
    name           text        NOT NULL,
    email          text        NOT NULL,
    phone          text        NOT NULL,
    identity_phone text,
    location       text        NOT NULL,
    nit_body       text,
    nit_dv         smallint,
    registered_at  timestamptz NOT NULL,
    UNIQUE (tenant, identity_phone),
    CHECK ((nit_body IS NULL) = (nit_dv IS NULL))
);

-- One row per contact and connection. `memory` is what the bot remembers between two messages. The row's lock is
-- held while its messages are worked.
CREATE TABLE conversations (
    id            uuid PRIMARY KEY,
    tenant        text        NOT NULL,
    provider      text        NOT NULL,
    connection    text        NOT NULL,
    contact_id    text        NOT NULL,
    client_id     uuid REFERENCES clients (id) ON DELETE SET NULL,
    memory        jsonb       NOT NULL DEFAULT '{}',
    last_sequence bigint      NOT NULL DEFAULT 0,
    last_at       timestamptz,
    failures      integer     NOT NULL DEFAULT 0,
    not_before    timestamptz NOT NULL DEFAULT '-infinity',
    begun_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, connection, contact_id)
);
CREATE INDEX conversations_client ON conversations (client_id) WHERE client_id IS NOT NULL;

-- Messages that wait for their turn, and, without their payload, those that had it: a message that a provider sends
-- twice is known by its id for as long as the row is kept.
CREATE TABLE conversation_messages (
    event_id            uuid PRIMARY KEY,
    conversation_id     uuid        NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    tenant              text        NOT NULL,
    receipt_sequence    bigint      NOT NULL,
    provider_message_id text,
    payload             bytea,
    traceparent         text,
    occurred_at         timestamptz NOT NULL,
    queued_at           timestamptz NOT NULL DEFAULT now(),
    worked_at           timestamptz,
    UNIQUE (conversation_id, provider_message_id),
    CHECK ((payload IS NULL) = (worked_at IS NOT NULL))
);
CREATE INDEX conversation_messages_waiting ON conversation_messages (queued_at) WHERE worked_at IS NULL;
CREATE INDEX conversation_messages_turn ON conversation_messages (conversation_id, receipt_sequence)
    WHERE worked_at IS NULL;
CREATE INDEX conversation_messages_worked ON conversation_messages (worked_at) WHERE worked_at IS NOT NULL;

-- The last number given in each tenant. Its row's lock makes numbers unique and gapless.
CREATE TABLE order_numbers (
    tenant text PRIMARY KEY,
    last   bigint NOT NULL
);

-- Orders as they stand. Who the client is and how to answer is kept as it was when the order was opened.
CREATE TABLE orders (
    id               uuid PRIMARY KEY,
    tenant           text        NOT NULL,
    number           bigint      NOT NULL,
    version          bigint      NOT NULL CHECK (version >= 1),
    state            text        NOT NULL,
    client_id        uuid        NOT NULL REFERENCES clients (id),
    contact_name     text        NOT NULL,
    contact_phone    text        NOT NULL,
    provider         text        NOT NULL,
    connection       text        NOT NULL,
    contact_id       text        NOT NULL,
    service          text        NOT NULL,
    description      text        NOT NULL,
    location         text        NOT NULL,
    channel          text        NOT NULL,
    agent            text,
    service_provider text,
    opened_at        timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    UNIQUE (tenant, number)
);
CREATE INDEX orders_client ON orders (client_id, opened_at);
CREATE INDEX orders_state ON orders (tenant, state, changed_at);

-- Every event of every order, gapless; never changed.
CREATE TABLE order_journal (
    order_id         uuid        NOT NULL REFERENCES orders (id),
    version          bigint      NOT NULL,
    tenant           text        NOT NULL,
    event_id         uuid        NOT NULL,
    fact             text        NOT NULL CHECK (fact IN ('opened', 'assigned', 'moved')),
    transition       text,
    before           text,
    after            text        NOT NULL,
    reason           text        NOT NULL DEFAULT '',
    agent            text,
    service_provider text,
    at               timestamptz NOT NULL,
    PRIMARY KEY (order_id, version)
);

SELECT protect_tenant_rows(t::regclass)
FROM unnest(ARRAY['clients', 'conversations', 'conversation_messages', 'order_numbers', 'orders', 'order_journal']) AS t;
