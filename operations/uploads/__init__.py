"""Uploads of the web console: kept as private files until their rows are accepted."""
