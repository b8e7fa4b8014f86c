-- What people ask about a service's own work, and what they decide: dead letters, calls to providers, health.

-- A letter is retried or closed by somebody; until then it waits.
ALTER TABLE dead_letters
    ADD COLUMN resolution        text CHECK (resolution IN ('retried', 'closed')),
    ADD COLUMN resolved_by       text,
    ADD COLUMN resolution_reason text;
CREATE INDEX dead_letters_newest ON dead_letters (dead_at DESC, event_id DESC, consumer DESC);
CREATE INDEX dead_letters_waiting ON dead_letters (dead_at DESC, event_id DESC, consumer DESC) WHERE resolved_at IS NULL;

-- Calls are listed newest first by their ids, which sort by the time of asking and stay the same when a call moves to
-- the history. What went wrong is rare, and is looked for among much that went well.
CREATE INDEX effects_tenant ON effects (tenant, id);
CREATE INDEX effects_history_tenant ON effects_history (tenant, id);
CREATE INDEX effects_history_not_done ON effects_history (id) WHERE outcome <> 'done';
-- Figures of the last minutes or hours.
CREATE INDEX effects_history_settled ON effects_history (settled_at);

ALTER TABLE effects_history ADD COLUMN priority smallint;
