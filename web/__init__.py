"""The operator's web console: server-rendered pages that present what `operations` offer."""
