"""The `issuance` command."""
