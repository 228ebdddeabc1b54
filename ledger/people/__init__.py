"""People who use the web console: local users, sessions and login links."""
