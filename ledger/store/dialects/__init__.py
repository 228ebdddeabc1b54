"""What differs between databases: one module for each that a ledger can be kept in."""
