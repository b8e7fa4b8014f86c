-- Whether whoever had signed was told that another one refused: `failed` waits for a person. And orders that were cancelled
-- while their documents were out: a request that comes after that is not sent.

ALTER TABLE signers
    ADD COLUMN notice      text NOT NULL DEFAULT ''
        CHECK (notice IN ('', 'asked', 'sent', 'failed', 'delivered', 'by_hand')),
    -- The event that asked for the message.
    ADD COLUMN notice_id   uuid,
    ADD COLUMN notice_code text NOT NULL DEFAULT '';
UPDATE signers SET notice = 'asked' WHERE told;
ALTER TABLE signers DROP COLUMN told;
CREATE UNIQUE INDEX signers_notice ON signers (notice_id) WHERE notice_id IS NOT NULL;
CREATE INDEX signers_untold ON signers (tenant, request_id) WHERE notice = 'failed';

CREATE TABLE cancelled_orders (
    tenant   text        NOT NULL,
    order_id uuid        NOT NULL,
    reason   text        NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (tenant, order_id)
);
CREATE INDEX cancelled_orders_old ON cancelled_orders (at);

SELECT protect_tenant_rows('cancelled_orders'::regclass);

-- Only the worker reads and writes it.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON cancelled_orders FROM %I', current_schema() || '_api');
END $$;
