"""People who use the web console: local users, and how a session becomes a subject."""
