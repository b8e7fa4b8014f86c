-- Messages of a conversation are counted without a gap, over all replicas: the row's lock is held until the commit that
-- brings the message. So whoever gets one can tell whether an earlier one is still on its way. There is no index on
-- the count, and room on the page, so that counting on is a small write.
CREATE TABLE conversation_counts (
    conversation uuid PRIMARY KEY,
    last         bigint NOT NULL
) WITH (fillfactor = 70);
