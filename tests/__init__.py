"""The tests; each room has the name of what it tests."""
