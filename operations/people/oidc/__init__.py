"""Logging in by OpenID Connect: the provider's answers, and which of them are believed."""
