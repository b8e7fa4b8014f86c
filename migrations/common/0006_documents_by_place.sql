-- Which files of the store are recorded: asked key by key, by whoever looks for those that nobody knows.
CREATE INDEX documents_place ON documents (container, key);
