-- The state of the smallest consumer: how many messages each contact has sent.
CREATE TABLE counts (
    contact text PRIMARY KEY,
    n       bigint NOT NULL
);
