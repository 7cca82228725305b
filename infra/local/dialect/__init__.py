"""Redshift SQL to PostgreSQL SQL, or a refusal that says why."""
