-- Orders by who has them: whoever sees only their own does not wait for a walk through everybody's.
CREATE INDEX orders_of_agent ON orders (tenant, agent, number) WHERE agent IS NOT NULL;
CREATE INDEX orders_of_service_provider ON orders (tenant, service_provider, number) WHERE service_provider IS NOT NULL;
