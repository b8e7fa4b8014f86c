-- Who works on a request, and until when unless it says so again: apart from `due_at`, so that holding a request changes
-- nothing about when its time comes.
ALTER TABLE signatures
    ADD COLUMN held_until timestamptz,
    ADD COLUMN held_by    uuid;
