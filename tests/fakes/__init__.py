"""Counterparts of services that the tests must not reach."""
