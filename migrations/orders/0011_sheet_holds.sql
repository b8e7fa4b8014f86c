-- Who makes a sheet, and until when unless it says so again: apart from `sheet_due_at`, so that an asset that changes
-- meanwhile is not taken up by a second worker.
ALTER TABLE assets
    ADD COLUMN sheet_held_until timestamptz,
    ADD COLUMN sheet_held_by    uuid;
