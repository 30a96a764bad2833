-- By bytes, as in SQLite and in memory, whatever the database's collation is: the order of slugs is the primary key's.
ALTER TABLE goatherd_plugin ALTER COLUMN slug TYPE text COLLATE "C";
