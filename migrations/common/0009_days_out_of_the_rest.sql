-- Days that come back: after more than a week off no partition covers today, rows go to the rest, and a partition cannot be
-- made beside rows that belong into it. So a day is made as a table of its own, takes its rows out of the rest, and is attached:
-- all of it or nothing. Attaching also locks the parent less than making a partition does, so that intake goes on.
-- One day is one call, and one transaction of the caller: what fails, or would have to wait, holds up no other day.

-- The instant that a UUID of version 7 begins with.
CREATE FUNCTION uuid_moment(id uuid) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
$$;

-- Where a day begins, as the parent's key has it.
CREATE FUNCTION day_floor(parent text, day date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE parent WHEN 'inbox' THEN uuid_floor(day::timestamp AT TIME ZONE 'UTC')::text
                       ELSE (day::timestamp AT TIME ZONE 'UTC')::text END
$$;

-- The column that a parent is cut into days by.
CREATE FUNCTION day_key(parent text) RETURNS name LANGUAGE sql STABLE AS $$
    SELECT a.attname FROM pg_partitioned_table p
    JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = to_regclass(parent)
$$;

-- Days to be made (today and ahead, and those that rows of the rest belong to) and to be dropped (those past retention).
CREATE FUNCTION days_due(keep interval, ahead_days integer) RETURNS TABLE (parent text, day date, due text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    today  date := (now() AT TIME ZONE 'UTC')::date;
    oldest date := ((now() - keep) AT TIME ZONE 'UTC')::date - 1;
    key    name;
    strays date[];
BEGIN
    FOREACH parent IN ARRAY partitioned_tables() LOOP
        key := day_key(parent);
        EXECUTE format('SELECT array_agg(DISTINCT (%s AT TIME ZONE ''UTC'')::date) FROM %I WHERE %I >= %L AND %I < %L',
            CASE parent WHEN 'inbox' THEN format('uuid_moment(%I)', key) ELSE quote_ident(key) END, parent || '_rest',
            key, day_floor(parent, oldest), key, day_floor(parent, today)) INTO strays;
        RETURN QUERY
            SELECT parent, wanted.d, 'make'::text
            FROM (SELECT today + n AS d FROM generate_series(0, ahead_days) AS n UNION SELECT unnest(strays)) AS wanted
            WHERE to_regclass(parent || to_char(wanted.d, '"_p"YYYYMMDD')) IS NULL;
    END LOOP;
    RETURN QUERY
        SELECT p.relname::text, to_date(right(c.relname, 8), 'YYYYMMDD'), 'drop'::text
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = current_schema()::regnamespace AND p.relname = ANY (partitioned_tables())
          AND c.relname ~ '_p[0-9]{8}$' AND to_date(right(c.relname, 8), 'YYYYMMDD') < oldest;
END $$;

-- Makes one day of one table; false when it is there already. Rows of the day that stand in the rest move into it; while
-- they do, whoever needs the rest waits.
CREATE FUNCTION make_day(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := parent || to_char(day, '"_p"YYYYMMDD');
    rest text := parent || '_rest';
    low  text := day_floor(parent, day);
    high text := day_floor(parent, day + 1);
    key  name := day_key(parent);
    list text;
BEGIN
    IF NOT parent = ANY (partitioned_tables()) THEN
        RAISE EXCEPTION '% is not cut into days', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.maintain_partitions'));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (%s)', name, parent, only_appended());
    -- Row-level security guards the parent; nobody who answers callers reads a partition past it.
    EXECUTE format('REVOKE ALL ON %I FROM %I', name, current_schema() || '_api');
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', rest);
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO list
    FROM pg_attribute a WHERE a.attrelid = to_regclass(parent) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I (%s) SELECT %s FROM moved',
        rest, key, low, key, high, name, list, list);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name, low, high);
    RETURN true;
END $$;

-- Drops one day of one table; false when it is gone already. Never one that may still be written.
CREATE FUNCTION drop_day(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := parent || to_char(day, '"_p"YYYYMMDD');
BEGIN
    IF NOT parent = ANY (partitioned_tables()) OR day >= (now() AT TIME ZONE 'UTC')::date - 1 THEN
        RAISE EXCEPTION '% of % is not to be dropped', day, parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.maintain_partitions'));
    IF to_regclass(name) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
END $$;

-- All days in one transaction, as migrations and the version before want it. What fails is told and left for the next time.
CREATE OR REPLACE FUNCTION maintain_partitions(keep interval, ahead_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    one  record;
    done integer := 0;
BEGIN
    FOR one IN SELECT * FROM days_due(keep, ahead_days) AS d
               ORDER BY d.due DESC, d.day < (now() AT TIME ZONE 'UTC')::date, d.day LOOP
        BEGIN
            IF one.due = 'make' THEN
                PERFORM make_day(one.parent, one.day);
            ELSE
                PERFORM drop_day(one.parent, one.day);
            END IF;
            done := done + 1;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% of % not looked after: %', one.day, one.parent, SQLERRM;
        END;
    END LOOP;
    RETURN done;
END $$;

-- Minutes in which events were published that had been committed long before, and how long before. A broker that lost the end
-- of its stream lost what was published last, however old it was.
CREATE TABLE relay_late (
    minute timestamptz PRIMARY KEY,
    oldest timestamptz NOT NULL
);

-- The owner's rights are for workers alone.
REVOKE EXECUTE ON FUNCTION days_due(interval, integer), make_day(text, date), drop_day(text, date) FROM PUBLIC;
DO $$ BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION days_due(interval, integer), make_day(text, date), drop_day(text, date) TO %I',
        current_schema() || '_worker');
END $$;
