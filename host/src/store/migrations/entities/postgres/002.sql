-- The bin of a type without organisations, newest first: goatherd_recycle_bin_newest is in that order only within one.
CREATE INDEX goatherd_recycle_bin_newest_of_all ON goatherd_recycle_bin (entity_type, deleted_at_ms DESC, entity_id DESC);
