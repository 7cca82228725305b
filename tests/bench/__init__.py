"""Measurements: commands, not tests. Each compares its sides in one run, on a machine that does nothing else."""
