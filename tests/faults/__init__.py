"""Loads that are killed, cut off and left without room: the old warehouse or the new one, and a true exit code."""
