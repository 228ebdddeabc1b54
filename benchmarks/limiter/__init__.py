"""A laboratory for the limiter: the product's own, and others', against models of APIs in virtual time."""
