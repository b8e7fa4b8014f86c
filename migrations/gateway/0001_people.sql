-- People, their sessions, API keys, and who did what. Passwords and keys are kept as hashes only.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    -- NULL: a person of the installation, who operates it for all tenants.
    tenant        text,
    email         text        NOT NULL,
    name          text        NOT NULL,
    role          text        NOT NULL
        CHECK (role IN ('admin', 'agent', 'technician', 'finance', 'operator', 'viewer')),
    -- Argon2id in PHC form; NULL for who logs in by another identity provider only.
    password      text,
    language      text        NOT NULL DEFAULT 'es' CHECK (language IN ('es', 'en')),
    failures      integer     NOT NULL DEFAULT 0,
    locked_until  timestamptz NOT NULL DEFAULT '-infinity',
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- One row per log-in. The cookie holds the token, the table its SHA-256.
CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    csrf       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    ends_at    timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_ends ON sessions (ends_at);

-- Programs. `prefix` is the part of a key that may be shown; the rest is kept as SHA-256.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    tenant       text,
    name         text        NOT NULL,
    role         text        NOT NULL
        CHECK (role IN ('admin', 'agent', 'technician', 'finance', 'operator', 'viewer')),
    prefix       text        NOT NULL UNIQUE,
    secret_hash  bytea       NOT NULL,
    per_minute   integer     NOT NULL DEFAULT 600 CHECK (per_minute > 0),
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

-- Answers to writes, by their idempotency key: a repeated request gets the same answer and has no second effect.
CREATE TABLE request_answers (
    subject      text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,
    status       smallint,
    body         bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key)
);
CREATE INDEX request_answers_old ON request_answers (created_at);

-- Who did or saw what. Never changed; old rows are dropped by age.
CREATE TABLE audit (
    id      uuid PRIMARY KEY,
    tenant  text,
    at      timestamptz NOT NULL DEFAULT now(),
    subject text        NOT NULL,
    name    text        NOT NULL,
    action  text        NOT NULL,
    object  text        NOT NULL,
    before  jsonb,
    after   jsonb,
    reason  text,
    trace   text
);
CREATE INDEX audit_tenant ON audit (tenant, id);
CREATE INDEX audit_object ON audit (object, id);

SELECT protect_tenant_rows(t::regclass) FROM unnest(ARRAY['users', 'api_keys', 'audit']) AS t;

-- Log-in happens before a tenant is known: it is the workers' business. Who answers callers reads the audit trail.
DO $$
DECLARE
    api text := current_schema() || '_api';
BEGIN
    EXECUTE format('REVOKE ALL ON users, sessions, api_keys, request_answers, audit FROM %I', api);
    EXECUTE format('GRANT SELECT ON audit TO %I', api);
END $$;
