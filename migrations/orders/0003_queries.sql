-- What lists, counts and commands need. Only what PostgreSQL 15 knows.
--
-- Row policies let an index be used only by conditions whose functions tell nothing of other rows. `reverse` and
-- `split_part` are not known to be such, plain comparisons are: hence columns, and no indexes over expressions.

-- Numbers from their last digit on: whoever is looked for by an ending is found by a plain index.
ALTER TABLE clients ADD COLUMN phone_reversed text COLLATE "C" GENERATED ALWAYS AS (reverse(phone)) STORED;
ALTER TABLE clients
    ADD COLUMN identity_reversed text COLLATE "C" GENERATED ALWAYS AS (reverse(identity_phone)) STORED;
CREATE INDEX clients_newest ON clients (tenant, registered_at, id);
CREATE INDEX clients_phone ON clients (tenant, phone_reversed);
CREATE INDEX clients_identity ON clients (tenant, identity_reversed) WHERE identity_reversed IS NOT NULL;

-- `spoken_at` orders the list, also before a first message was worked. `aggregate_id` is that of the conversation's
-- messages, as the events name it.
ALTER TABLE conversations
    ADD COLUMN contact_reversed text COLLATE "C" GENERATED ALWAYS AS (reverse(contact_id)) STORED;
ALTER TABLE conversations
    ADD COLUMN spoken_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(last_at, begun_at)) STORED;
ALTER TABLE conversations ADD COLUMN aggregate_id text NOT NULL DEFAULT '';
CREATE INDEX conversations_latest ON conversations (tenant, spoken_at, id);
CREATE INDEX conversations_of_client ON conversations (tenant, client_id, spoken_at, id) WHERE client_id IS NOT NULL;
CREATE INDEX conversations_contact ON conversations (tenant, contact_reversed);
CREATE INDEX conversation_messages_received ON conversation_messages (tenant, conversation_id, receipt_sequence);

ALTER TABLE orders
    ADD COLUMN contact_phone_reversed text COLLATE "C" GENERATED ALWAYS AS (reverse(contact_phone)) STORED;
CREATE INDEX orders_of_client ON orders (tenant, client_id, number);
CREATE INDEX orders_in_state ON orders (tenant, state, number);
CREATE INDEX orders_phone ON orders (tenant, contact_phone_reversed);
CREATE INDEX orders_opened ON orders (tenant, opened_at);

-- Who did it; empty when the conversation did.
ALTER TABLE order_journal ADD COLUMN changed_by text NOT NULL DEFAULT '';

-- Commands that had their effect: one that comes again with its key has none. Forgotten after 30 days.
CREATE TABLE commands (
    tenant   text        NOT NULL,
    key      text        NOT NULL,
    digest   bytea       NOT NULL,
    order_id uuid        NOT NULL REFERENCES orders (id),
    version  bigint      NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX commands_old ON commands (at);
SELECT protect_tenant_rows('commands');

-- When it was written, as far as the provider's clock can be believed; kept longer than the message itself.
ALTER TABLE conversation_messages ADD COLUMN sent_at timestamptz;
