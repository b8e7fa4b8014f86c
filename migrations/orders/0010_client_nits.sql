-- Clients by their tax id, and what the tenant's ERP says of tax ids. Only what PostgreSQL 15 knows.

-- Whose a tax id is: one client's in a tenant. `clients.nit_body` is what somebody gave; this is what is looked up. A row
-- is taken before its client is written, so that of two at once one makes the client: hence the deferred reference.
-- `check_state` says what came of asking the ERP: empty where it was not asked.
CREATE TABLE client_nits (
    tenant      text        NOT NULL,
    nit_body    text        COLLATE "C" NOT NULL CHECK (nit_body ~ '^[1-9][0-9]{5,14}$'),
    client_id   uuid        NOT NULL REFERENCES clients (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    check_state text        NOT NULL DEFAULT '' CHECK (check_state IN ('', 'pending', 'known', 'unknown', 'given_up')),
    checked_at  timestamptz,
    PRIMARY KEY (tenant, nit_body)
);
CREATE INDEX client_nits_client ON client_nits (tenant, client_id);

-- The last answer of the ERP for a tax id, also for those that are nobody's yet. `asked_at`: somebody waits for an answer
-- since then. `failed_at`: the ERP gave none. `due_at`: when a worker asks again; whoever takes it up moves the time on.
-- Null: nobody needs to.
CREATE TABLE client_lookups (
    tenant    text        NOT NULL,
    nit_body  text        COLLATE "C" NOT NULL CHECK (nit_body ~ '^[1-9][0-9]{5,14}$'),
    answer    text        NOT NULL DEFAULT '' CHECK (answer IN ('', 'found', 'unknown', 'off')),
    known_at  timestamptz,
    name      text        NOT NULL DEFAULT '',
    email     text        NOT NULL DEFAULT '',
    phone     text        NOT NULL DEFAULT '',
    location  text        NOT NULL DEFAULT '',
    active    boolean     NOT NULL DEFAULT false,
    version   bigint      NOT NULL DEFAULT 0,
    asked_at  timestamptz,
    failed_at timestamptz,
    due_at    timestamptz,
    tries     integer     NOT NULL DEFAULT 0,
    touched_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, nit_body)
);
CREATE INDEX client_lookups_due ON client_lookups (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX client_lookups_old ON client_lookups (touched_at) WHERE due_at IS NULL;

-- The tax id whose answer a conversation's next message waits for; it rests until then, and not for ever (`not_before`).
ALTER TABLE conversations ADD COLUMN awaits_nit text;
CREATE INDEX conversations_awaiting ON conversations (tenant, awaits_nit) WHERE awaits_nit IS NOT NULL;

-- What came of checking an order's client later.
ALTER TABLE orders ADD COLUMN client_check text NOT NULL DEFAULT ''
    CHECK (client_check IN ('', 'pending', 'known', 'unknown', 'given_up'));
CREATE INDEX orders_client_unchecked ON orders (tenant, client_id) WHERE client_check = 'pending';
ALTER TABLE order_journal DROP CONSTRAINT order_journal_fact_check;
ALTER TABLE order_journal ADD CONSTRAINT order_journal_fact_check
    CHECK (fact IN ('opened', 'assigned', 'moved', 'noted', 'client_checked'));

SELECT protect_tenant_rows(t::regclass) FROM unnest(ARRAY['client_nits', 'client_lookups']) AS t;

-- Clients from before: the first of each tax id. The owner of the tables is held to the row policies like anybody.
ALTER TABLE clients NO FORCE ROW LEVEL SECURITY;
ALTER TABLE client_nits NO FORCE ROW LEVEL SECURITY;
INSERT INTO client_nits (tenant, nit_body, client_id)
SELECT DISTINCT ON (tenant, nit_body) tenant, nit_body, id FROM clients
WHERE nit_body ~ '^[1-9][0-9]{5,14}$' ORDER BY tenant, nit_body, registered_at, id;
ALTER TABLE clients FORCE ROW LEVEL SECURITY;
ALTER TABLE client_nits FORCE ROW LEVEL SECURITY;
