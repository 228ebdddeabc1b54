"""Traces by OpenTelemetry: an optional extra, and the only code that imports it."""
