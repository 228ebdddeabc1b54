"""Ways in: a campaign's file, a background request."""
