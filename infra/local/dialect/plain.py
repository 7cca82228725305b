"""Statements that need no tree: transactions, grants, settings and schemas run as they are, or nearly so."""

import re

from infra.errors import NotSupportedError
from infra.local.dialect import supported


def statement(verb: str, body: str) -> str:
    """A statement that runs as it is, or nearly so. Raises NotSupportedError."""
    flat = " ".join(body.split())
    if not re.match(supported.PLAIN_STATEMENTS.get(verb, ""), flat, re.IGNORECASE):
        raise NotSupportedError(f"The embedded warehouse does not cover this form of {verb}.")
    if verb in ("BEGIN", "START"):  # every transaction is of SNAPSHOT isolation
        return re.sub(
            r",?\s*ISOLATION\s+LEVEL\s+(\w+\s+(UN)?COMMITTED|REPEATABLE\s+READ|SERIALIZABLE)", "", body, flags=re.I
        )
    if verb in ("GRANT", "REVOKE"):
        return re.sub(r"(\b(?:TO|FROM)|,) GROUP\b", r"\1", body, flags=re.IGNORECASE)
    return body


def setting(verb: str, body: str) -> str:
    """SET, RESET and SHOW of a parameter or of a session variable, whose name has two parts."""
    found = re.fullmatch(
        r"\w+(\s+(?:SESSION|LOCAL))?\s+(\w+(?:\.\w+)?)(?:(?:\s+TO\s+|\s*=\s*)(.+))?", body, re.IGNORECASE | re.DOTALL
    )
    if found is None or bool(found[3]) != (verb == "SET"):
        raise NotSupportedError(f"The embedded warehouse does not cover this form of {verb}.")
    scope, name, value = found[1] or "", found[2].lower(), found[3] or ""
    default = supported.SETTINGS.get(name)
    known = default or name in supported.SERVER_SETTINGS or (verb == "RESET" and name == "all")
    if not known and ("." not in name or name.startswith("redshift.")):
        raise NotSupportedError(f"The embedded warehouse does not cover the parameter {name}.")
    if default in ("off", "UTC") and value.strip("'").lower() not in ("", "default", "false", default.lower()):
        raise NotSupportedError(f"The embedded warehouse does not cover {name} but as {default}.")
    if verb == "SHOW":
        return f"SELECT redshift.current_setting('{name}') AS \"{name}\""
    if name == "search_path" and value and value.lower() != "default":
        value += ", redshift, pg_catalog"
    return f"{verb}{scope} {'redshift.' * bool(default)}{name}{' TO ' * bool(value)}{value}"
