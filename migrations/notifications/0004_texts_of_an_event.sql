-- One event may ask for several messages, each with a text of its own: an assignment tells the agent and the service
-- provider. A repeated event is still the same messages.

ALTER TABLE messages ADD CONSTRAINT messages_of_cause UNIQUE (tenant, cause, template);
ALTER TABLE messages DROP CONSTRAINT messages_tenant_cause_key;
