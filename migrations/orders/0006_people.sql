-- The directory: agents and service providers by the ids that orders name. Only what PostgreSQL 15 knows.

-- `sort_key` is the name without case and accents, so that a list has one order on every machine.
CREATE TABLE people (
    tenant     text        NOT NULL,
    id         text        COLLATE "C" NOT NULL CHECK (id ~ '^[a-z0-9_.-]{1,64}$'),
    kind       text        NOT NULL CHECK (kind IN ('agent', 'service_provider')),
    name       text        NOT NULL,
    sort_key   text        COLLATE "C" NOT NULL,
    email      text        NOT NULL,
    phone      text        NOT NULL DEFAULT '',
    tax_id     text        NOT NULL DEFAULT '',
    address    text        NOT NULL DEFAULT '',
    active     boolean     NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text        NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX people_by_name ON people (tenant, sort_key, id);
SELECT protect_tenant_rows('people');
