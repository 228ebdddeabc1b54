"""Asks for known vulnerabilities of every locked package: `make audit`."""
