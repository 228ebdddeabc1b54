"""The database: engine, transactions, schema, clock and migrations."""
