"""Simulated songs and user activity, in the form of the course's files."""
