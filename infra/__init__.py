"""Everything of Sparkify that is not the pipeline: cluster, warehouse connection, simulated data."""
