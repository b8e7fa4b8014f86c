-- Events are looked for by their trace and by what caused them. Only here: ingress writes too many to index them so.
-- The trace is a prefix (`00-<trace>-`), for row policies let no expression like substr() reach an index.
CREATE INDEX outbox_trace ON outbox (traceparent COLLATE "C");
CREATE INDEX outbox_cause ON outbox (cause);
