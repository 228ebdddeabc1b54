"""Plans: what a campaign would issue, what it overlaps with, and the digest that binds it."""
