"""Stops rewards and campaigns whose calls fail, and lets operators decide what follows."""
