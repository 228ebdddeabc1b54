"""A laboratory that compares the limiter with others on models of APIs, in virtual time."""
