-- Which run of the broker was seen last, and when: a broker that is started anew may have lost the end of its stream.
ALTER TABLE relay_broker
    ADD COLUMN server  text,
    ADD COLUMN seen_at timestamptz;
