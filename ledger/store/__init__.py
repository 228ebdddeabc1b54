"""The database: engine, schema, clock, migration, bulk statements."""
