-- What an effect may still fail, by the class of the failure; and claims that read what they take, not what waits.

-- `attempts` numbers the claims of an effect and never goes back: it tells a late settlement from the call under way now.
-- How often calls ended in a rate limit, and how often in an outage or in doubt, has a budget each.
ALTER TABLE effects
    ADD COLUMN limited integer NOT NULL DEFAULT 0,
    ADD COLUMN failed  integer NOT NULL DEFAULT 0;

-- The next effects of a connection, each priority by itself; and when the first of a lane is due.
CREATE INDEX effects_next ON effects (connection, priority, not_before, id) WHERE state = 'due';
CREATE INDEX effects_lane ON effects (connection, tenant, not_before) WHERE state = 'due';
DROP INDEX effects_due;
