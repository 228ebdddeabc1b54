"""From a due job to a claimed one: release, claims, backlog and reconciliation."""
