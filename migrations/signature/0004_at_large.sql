-- Envelopes that must not be with their signers stay a problem after their request has ended; a call that was cut off is not
-- made again before it is over for sure; and quiet envelopes are asked for less and less often.
ALTER TABLE signatures
    -- When the last call that may have made an envelope began; nothing after one that surely made none.
    ADD COLUMN posted_at timestamptz,
    -- Questions since the provider last told something new.
    ADD COLUMN polls integer NOT NULL DEFAULT 0;

CREATE INDEX signatures_at_large ON signatures (tenant, requested_at, id) WHERE step = 'ended' AND problem_code IS NOT NULL;

DROP INDEX signatures_quiet;
CREATE INDEX signatures_quiet ON signatures (provider, polls, quiet_since) WHERE step = 'waiting';

-- How much a connection was asked of late, over all replicas, and until when it wants to be left alone.
CREATE TABLE polling (
    tenant       text        NOT NULL,
    connection   text        NOT NULL,
    -- The hour that is counted.
    since        timestamptz NOT NULL,
    asked        integer     NOT NULL,
    paused_until timestamptz,
    PRIMARY KEY (tenant, connection)
);

SELECT protect_tenant_rows('polling'::regclass);

-- Only the worker reads and writes it.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON polling FROM %I', current_schema() || '_api');
END $$;
