-- Orders as tasks in a task manager: one row per order that has one, the changes that wait for their turn, and how far
-- each order's events were applied.

-- How far each order's events were applied. Orders without a task are counted too: one may be made for them later.
CREATE TABLE watched_orders (
    tenant   text   NOT NULL,
    order_id uuid   NOT NULL,
    version  bigint NOT NULL,
    PRIMARY KEY (tenant, order_id)
);

-- One row per order that has a task, or is to have one. `id` is our reference at the provider.
CREATE TABLE tasks (
    id             uuid PRIMARY KEY,
    tenant         text        NOT NULL,
    order_id       uuid        NOT NULL,
    number         text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('creating', 'open', 'completed', 'failed')),
    provider       text        NOT NULL,
    connection     text        NOT NULL,
    -- What the task says of the order; forgotten when it is completed.
    facts          jsonb       NOT NULL,
    task_id        text        NOT NULL DEFAULT '',
    url            text        NOT NULL DEFAULT '',
    -- The order's state that the task stands in at the provider.
    stage          text        NOT NULL DEFAULT '',
    -- Counts what the provider did, which are the events of the task.
    version        bigint      NOT NULL DEFAULT 0,
    -- How often the call under way was begun anew after its budget was used up.
    tries          integer     NOT NULL DEFAULT 0,
    -- The last command that set its creation going; empty when the order's opening did.
    command_key    text        NOT NULL DEFAULT '',
    problem_code   text,
    problem        text,
    problem_tag    text        CHECK (problem_tag IN ('temporary', 'permanent', 'configuration')),
    problem_change text        CHECK (problem_change IN ('created', 'assigned', 'staged', 'completed')),
    problem_since  timestamptz,
    traceparent    text,
    trace_id       text GENERATED ALWAYS AS (nullif(split_part(traceparent, '-', 2), '')) STORED,
    asked_at       timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    UNIQUE (tenant, order_id)
);
CREATE INDEX tasks_trace ON tasks (tenant, trace_id) WHERE trace_id IS NOT NULL;

-- Changes of a task that are not settled, by the order's version that they belong to. The lowest is the next; while it is a
-- call it is `called`, and no other of its task is. Removed when it is settled.
CREATE TABLE task_changes (
    task         uuid        NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    version      bigint      NOT NULL,
    tenant       text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('assigned', 'staged', 'completed')),
    -- The change as the provider is told.
    change       jsonb       NOT NULL,
    called       boolean     NOT NULL DEFAULT false,
    traceparent  text,
    at           timestamptz NOT NULL,
    PRIMARY KEY (task, version)
);
CREATE UNIQUE INDEX task_changes_called ON task_changes (task) WHERE called;

SELECT protect_tenant_rows(t::regclass) FROM unnest(ARRAY['watched_orders', 'tasks', 'task_changes']) AS t;

-- Who answers callers reads; only the worker writes.
DO $$
DECLARE
    api text := current_schema() || '_api';
BEGIN
    EXECUTE format('REVOKE ALL ON watched_orders, tasks, task_changes FROM %I', api);
    EXECUTE format('GRANT SELECT ON tasks, task_changes TO %I', api);
END $$;

-- Events are looked for by their trace and by what caused them.
CREATE INDEX outbox_trace ON outbox (traceparent COLLATE "C");
CREATE INDEX outbox_cause ON outbox (cause);
