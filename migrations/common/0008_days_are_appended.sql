-- Days are only appended to, and dropped whole. By its defaults autovacuum reads today's again after each fifth that was
-- added, to mark pages as visible and rows as old, and writes them a second time: a tenth of what intake costs, for days that
-- nobody scans and that are gone before their rows are old. Rows that do change, and transaction ids that run out, are looked
-- after as before. Statistics come at every doubling.
CREATE FUNCTION only_appended() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 1'
$$;

-- Makes the partitions of the days ahead and drops those past retention. Runs as the owner of the tables.
CREATE OR REPLACE FUNCTION maintain_partitions(keep interval, ahead_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    day    date;
    parent text;
    name   text;
    old    record;
    done   integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.maintain_partitions'));
    FOR day IN SELECT (now() AT TIME ZONE 'UTC')::date + n FROM generate_series(0, ahead_days) AS n LOOP
        FOREACH parent IN ARRAY partitioned_tables() LOOP
            name := parent || to_char(day, '"_p"YYYYMMDD');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (%s)', name, parent,
                CASE parent WHEN 'inbox' THEN uuid_floor(day::timestamp AT TIME ZONE 'UTC')::text
                            ELSE (day::timestamp AT TIME ZONE 'UTC')::text END,
                CASE parent WHEN 'inbox' THEN uuid_floor((day + 1)::timestamp AT TIME ZONE 'UTC')::text
                            ELSE ((day + 1)::timestamp AT TIME ZONE 'UTC')::text END,
                only_appended());
            -- Row-level security guards the parent; nobody who answers callers reads a partition past it.
            EXECUTE format('REVOKE ALL ON %I FROM %I', name, current_schema() || '_api');
            done := done + 1;
        END LOOP;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = current_schema()::regnamespace AND p.relname = ANY (partitioned_tables())
          AND c.relname ~ '_p[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 < (now() - keep)::date
    LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;

DO $$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN
        SELECT i.inhrelid::regclass FROM pg_inherits i
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = current_schema()::regnamespace AND p.relname = ANY (partitioned_tables())
    LOOP
        EXECUTE format('ALTER TABLE %s SET (%s)', leaf, only_appended());
    END LOOP;
END $$;
