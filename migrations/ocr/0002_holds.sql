-- The id of the hold on a capture, which its renewals name.
ALTER TABLE plate_captures ADD COLUMN held_by uuid;
