-- The OAuth tokens of connections that this service owns, and the authorisations that people are in the middle of.
-- What is secret is sealed as in connection_copies; nothing here can be read without a master key.

CREATE TABLE oauth_tokens (
    tenant       text        NOT NULL,
    connection   text        NOT NULL,
    -- Access and refresh token under one data key; null before the first grant and after a revocation.
    sealed       jsonb,
    expires_at   timestamptz,
    scope        text        NOT NULL DEFAULT '',
    account_id   text,
    base_uri     text,
    refreshed_at timestamptz,
    -- When a refused access token last forced a renewal: another refusal right after it is not the token's age.
    rejected_at  timestamptz,
    state        text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'needs_consent', 'revoked')),
    problem      text,
    -- Counts up with every change; a writer that read an older one has lost.
    version      bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, connection)
);

-- One row per person who was sent to a provider to consent; used once, and of no use after ten minutes.
CREATE TABLE oauth_authorizations (
    state_hash   bytea PRIMARY KEY,
    tenant       text        NOT NULL,
    connection   text        NOT NULL,
    -- The PKCE verifier.
    sealed       jsonb       NOT NULL,
    redirect_uri text        NOT NULL,
    created_by   text        NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX oauth_authorizations_connection ON oauth_authorizations (tenant, connection, expires_at);
CREATE INDEX oauth_authorizations_expired ON oauth_authorizations (expires_at);

SELECT protect_tenant_rows(t::regclass) FROM unnest(ARRAY['oauth_tokens', 'oauth_authorizations']) AS t;
