"""Speed of the web console: pages in a large ledger during a blast, and what they cost it."""
