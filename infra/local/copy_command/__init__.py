"""COPY of JSON, as Redshift runs it, into the embedded warehouse."""
