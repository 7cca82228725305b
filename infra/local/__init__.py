"""The embedded warehouse: an embedded PostgreSQL that takes this product's Redshift SQL and COPY.

Its purpose is that what passes here also passes on Redshift. It is strict where Redshift is strict (NOT NULL, VARCHAR
lengths in bytes, what COPY rejects, SQL that Redshift lacks) and silent where Redshift is silent (keys are not
enforced). SQL that it does not cover is refused, never half-supported.

What it does not imitate: distribution, sort keys and compression (accepted and ignored), users, groups and grants,
IAM roles (COPY signs in to S3 as you), WLM and query limits, concurrency scaling, SUPER and semi-structured queries,
Spectrum, UNLOAD, stored procedures, materialized views, the system tables other than stl_load_errors and
stv_load_state, the scale of DECIMAL divisions, and speed.

Which file does what is in infra/README.md.
"""
