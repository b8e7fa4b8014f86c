-- Documents of this service: what they are about and where their bytes are. The bytes are in the store (libs/blob);
-- links are made on demand, and never kept.
CREATE TABLE documents (
    id              uuid PRIMARY KEY,
    tenant          text        NOT NULL,
    -- A command that is repeated finds what it recorded first.
    idempotency_key text        NOT NULL,
    about_kind      text        NOT NULL,
    about_id        text        NOT NULL,
    kind            text        NOT NULL,
    container       text        NOT NULL,
    key             text        NOT NULL,
    file_name       text        NOT NULL,
    media_type      text        NOT NULL,
    bytes           bigint      NOT NULL CHECK (bytes > 0),
    sha256          bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    created_at      timestamptz NOT NULL,
    -- Empty: the program made it.
    created_by      text        NOT NULL,
    expires_on      date,
    note            text        NOT NULL DEFAULT '',
    -- When another of its kind about the same thing took its place.
    replaced_at     timestamptz,
    traceparent     text,
    UNIQUE (tenant, idempotency_key)
);
-- Listed newest first by their ids, which sort by the time of recording.
CREATE INDEX documents_newest ON documents (tenant, id);
CREATE INDEX documents_about ON documents (tenant, about_kind, about_id, id);
CREATE INDEX documents_expiring ON documents (tenant, expires_on) WHERE replaced_at IS NULL AND expires_on IS NOT NULL;

SELECT protect_tenant_rows('documents');
