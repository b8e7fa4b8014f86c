-- Files in the store that no service has recorded, and where the look through each container stands.

CREATE TABLE file_sweeps (
    container   text PRIMARY KEY,
    -- Where the next page begins, in the store's own words; NULL: at the beginning.
    next_page   text,
    -- When the round that is under way began, or the last one.
    round_at    timestamptz NOT NULL,
    -- When the next page is looked at. Who looks at it puts it off first.
    due_at      timestamptz NOT NULL,
    -- When the last round came to its end.
    finished_at timestamptz
);

CREATE TABLE unrecorded_files (
    container      text        NOT NULL,
    name           text        NOT NULL,
    -- Whose it is by its name; NULL for a name that tells of nobody.
    tenant         text,
    bytes          bigint      NOT NULL,
    stored_at      timestamptz NOT NULL,
    -- When it was found first, and the round that saw it last. What a whole round did not see is known, or gone.
    found_at       timestamptz NOT NULL,
    seen_in        timestamptz NOT NULL,
    -- Who wants it deleted.
    discarded_by   text,
    PRIMARY KEY (container, name)
);
CREATE INDEX unrecorded_files_newest ON unrecorded_files (tenant, found_at);
CREATE INDEX unrecorded_files_discarded ON unrecorded_files (container, name) WHERE discarded_by IS NOT NULL;

SELECT protect_tenant_rows('unrecorded_files');

-- The workers' business alone.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON file_sweeps, unrecorded_files FROM %I', current_schema() || '_api');
END $$;
