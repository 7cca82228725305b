"""The embedded warehouse: an embedded PostgreSQL that takes this product's Redshift SQL and COPY.

Its purpose is that what passes here also passes on Redshift. It is strict where Redshift is strict (NOT NULL, VARCHAR
lengths in bytes, what COPY rejects, SQL that Redshift lacks) and silent where Redshift is silent (keys are not
enforced). SQL that it does not cover is refused, never half-supported.

Keys that are declared are not in PostgreSQL's catalog, for it has none that it does not enforce: a FOREIGN KEY may be
NOT ENFORCED, but it needs a unique index on what it refers to, which refuses rows that Redshift takes. The comments of
the star schema's columns tell BI tools what refers to what.

What it does not imitate: distribution and compression (accepted and ignored), users and groups, IAM roles
(COPY signs in to S3 as you, or with the keys that it names), WLM and query limits, concurrency scaling, SUPER and semi-
structured queries, VARBYTE, Spectrum, spatial types, machine learning, UNLOAD, stored procedures, materialized views,
time zones other than UTC for a session, system views but those of loads, statements, tables and locks, and speed.

Which file does what is in infra/README.md.
"""
