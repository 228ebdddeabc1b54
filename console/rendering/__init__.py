"""Tables and detail views."""
