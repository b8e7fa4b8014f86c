CREATE TABLE notes (tenant text NOT NULL, note text NOT NULL);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON notes TO shop_api USING (tenant = current_setting('puente.tenant', true));
CREATE POLICY all_tenants ON notes TO shop_worker USING (true) WITH CHECK (true);
