"""What replies show of a line next to its verdict: points, expiry, payment, vendor fields."""
