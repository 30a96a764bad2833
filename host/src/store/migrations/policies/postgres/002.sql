-- By bytes, as in SQLite and in memory, whatever the database's collation is: the order of plugins is the primary key's.
ALTER TABLE goatherd_policies ALTER COLUMN plugin TYPE text COLLATE "C";
