"""Budgets: reserved before a job is released, and settled by what was issued."""
