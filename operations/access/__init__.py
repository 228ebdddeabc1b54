"""Roles, rights, and the check that each operation makes before it begins."""
