"""The embedded warehouse: an embedded PostgreSQL that takes this product's Redshift SQL and COPY.

Its purpose is that what passes here also passes on Redshift. It is strict where Redshift is strict (NOT NULL, VARCHAR
lengths in bytes, what COPY rejects, SQL that Redshift lacks) and silent where Redshift is silent (keys are not
enforced). SQL that it does not cover is refused, never half-supported.

What it does not imitate: distribution, sort keys and compression (accepted and ignored), users, groups and grants,
IAM roles (COPY signs in to S3 as you), WLM and query limits, concurrency scaling, SUPER and semi-structured queries,
Spectrum, UNLOAD, stored procedures, materialized views, the system tables other than stl_load_errors and
stv_load_state, the scale of DECIMAL divisions, and speed.

    server.py, supervisor.py    the PostgreSQL process: made, started, shared, stopped
    system_tables.py        Redshift's system tables and functions that PostgreSQL lacks
    dialect.py              Redshift SQL -> PostgreSQL SQL, or a refusal (check.py, rewrite.py, supported.py)
    connection.py           the psycopg2 connection and cursor that do this on every execute
    statement.py, copy_plan.py    COPY: its text, and what goes into which column
    files.py, batches.py     its files and their contents
    fast_path.py, exact_path.py      the fast reading of JSON and the exact one
    load.py, load_log.py      the load, and what the system tables say of it
"""
