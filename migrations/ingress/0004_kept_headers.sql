-- The headers of a request are kept as the JSON text they are shown as: nobody asks for one of them by SQL, and to take text
-- in as `jsonb` the server reads, sorts and builds it. Rows of before have `headers`.
ALTER TABLE deliveries ADD COLUMN kept_headers text;
ALTER TABLE deliveries ALTER COLUMN headers DROP NOT NULL;
