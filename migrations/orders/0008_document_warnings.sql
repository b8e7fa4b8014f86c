-- Papers of service providers that were told to be about to end. Only what PostgreSQL 15 knows.

-- `threshold` is the fewest days left (30, 7, 1, 0) that a paper was told at; it only falls.
CREATE TABLE document_warnings (
    document_id uuid PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    tenant      text        NOT NULL,
    threshold   integer     NOT NULL,
    at          timestamptz NOT NULL
);
SELECT protect_tenant_rows('document_warnings');

-- The check looks over all tenants.
CREATE INDEX documents_ending ON documents (expires_on)
    WHERE about_kind = 'service_provider' AND replaced_at IS NULL AND expires_on IS NOT NULL;
