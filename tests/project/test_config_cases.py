"""Files that somebody may write as dwh.cfg, each with its exact outcome: the values that count, or the one sentence.

An outcome is a text, the sentence behind the file's name, or what the settings hold; {folder} is the file's folder.
"""

import codecs
import os
from pathlib import Path

import pytest

from infra.config import EMBEDDED_ROLE, PASSWORD_VARIABLE, AwsKeys, load_settings
from infra.errors import ConfigError

ROLE = "arn:aws:iam::123456789012:role/dwhRole"
HOST = "dwh.abc.us-west-2.redshift.amazonaws.com"
S3 = "[S3]\nLOG_DATA=s3://b-1/log\nLOG_JSONPATH=s3://b-1/p.json\nSONG_DATA=s3://b-1/song\n"
LOGIN = "DB_NAME=dwh\nDB_USER=u\n"
IAM = f"[IAM_ROLE]\nARN={ROLE}\n"
SIMULATED = {"embedded": True, "simulated": True, "role_arn": EMBEDDED_ROLE, "port": 5439}
LONG = "9" * 5000


def cluster(lines: str = "", host: str = HOST, rest: str = IAM + S3) -> str:
    """A file for Redshift with more lines in [CLUSTER]."""
    return f"[CLUSTER]\nHOST={host}\n{LOGIN}{lines}{rest}"


def arn(value: str) -> str:
    """A file for Redshift with this role."""
    return cluster(rest=f"[IAM_ROLE]\nARN={value}\n{S3}")


def source(key: str, value: str, host: str = HOST) -> str:
    """A file with another value for one key of [S3]."""
    lines = [line for line in S3.splitlines() if not line.startswith(f"{key}=")]
    return cluster(host=host, rest=IAM + "\n".join([*lines, f"{key}={value}", ""]))


def port(value: str) -> str:
    """The sentence for a port."""
    return f"[CLUSTER] DB_PORT is {value!r}: it must be a port number such as 5439."


NOT_A_HOST = "[CLUSTER] HOST is to be the host name alone, without port, database or scheme."
LINE = "write it in one line, without control characters."
CASES: dict[str, tuple[str | bytes, str | dict[str, object]]] = {
    # Empty in every way: the embedded warehouse with simulated data
    "empty": ("", SIMULATED),
    "blank lines": ("\n\n  \n", SIMULATED),
    "comments": ("# a\n; b\n", SIMULATED),
    "empty sections": ("[CLUSTER]\n[S3]\n[LOCAL]\n", SIMULATED),
    "empty values": ("[CLUSTER]\nHOST=\nDB_PORT=\n[IAM_ROLE]\nARN=''\n[S3]\nLOG_DATA=\"\"\n", SIMULATED),
    "unknown sections and keys": ("[X]\nY=1\n[CLUSTER]\nCOLOUR=blue\n", SIMULATED),
    "byte order mark": (codecs.BOM_UTF8 + b"[CLUSTER]\nHOST=\n", SIMULATED),
    # What a file for Redshift means
    "redshift": (cluster(), {"host": HOST, "dbname": "dwh", "user": "u", "password": "", "role_arn": ROLE}),
    "lower case": (cluster().lower().replace("dwhrole", "dwhRole"), {"host": HOST, "user": "u", "role_arn": ROLE}),
    "double quotes": (cluster(host=f'"{HOST}"'), {"host": HOST}),
    "single quotes": (cluster(host=f"'{HOST}'"), {"host": HOST}),
    "quotes and spaces": (cluster(host=f"  ' {HOST} '  "), {"host": HOST}),
    "colons": (cluster().replace("=", ": ").replace("s3://b-1", "s3://b-1"), {"host": HOST, "role_arn": ROLE}),
    "spaces round a section's name": (cluster().replace("[CLUSTER]", "[ CLUSTER ]"), {"host": HOST}),
    "line ends of Windows": (cluster().replace("\n", "\r\n").encode(), {"host": HOST, "user": "u"}),
    "line ends of an old Mac": (cluster().replace("\n", "\r").encode(), {"host": HOST, "user": "u"}),
    "keys of the course": (
        f"[CLUSTER]\nHOST={HOST}\n[DWH]\nDWH_DB=d\nDWH_DB_USER=v\nDWH_DB_PASSWORD=Pw1\nDWH_PORT=5440\n{IAM}{S3}",
        {"dbname": "d", "user": "v", "password": "Pw1", "port": 5440},
    ),
    "[CLUSTER] before [DWH]": (cluster("DB_PORT=5441\n", rest=f"[DWH]\nDWH_PORT=1\n{IAM}{S3}"), {"port": 5441}),
    "percent signs": (cluster("DB_PASSWORD=%(x)s%%\n"), {"password": "%(x)s%%"}),
    "password with = and #": (cluster("DB_PASSWORD=a=b#c;d\n"), {"password": "a=b#c;d"}),
    "password in quotes with quotes": (cluster("DB_PASSWORD='a'b'\n"), {"password": "a'b"}),
    "password not ASCII": (cluster("DB_PASSWORD=pässwörd\n"), {"password": "pässwörd"}),
    "one quote": (cluster("DB_PASSWORD='\n"), {"password": "'"}),
    "unequal quotes": (cluster("DB_PASSWORD='a\"\n"), {"password": "'a\""}),
    "keys of AWS": ("[AWS]\nKEY=k\nSECRET='s'\nSESSION_TOKEN=t\n", {"aws": AwsKeys("k", "s", "t")}),
    "[DWH] as it is": ("[DWH]\ndwh_node_type='ra3.large'\n", {"dwh": {"DWH_NODE_TYPE": "ra3.large"}}),
    "port at the bottom": (cluster("DB_PORT=1\n"), {"port": 1}),
    "port at the top": (cluster("DB_PORT=65535\n"), {"port": 65535}),
    "port with zeros": (cluster("DB_PORT=05439\n"), {"port": 5439}),
    "IP address": (cluster(host="10.0.0.1"), {"host": "10.0.0.1"}),
    "role of China": (arn(ROLE.replace("aws", "aws-cn")), {"role_arn": ROLE.replace("aws", "aws-cn")}),
    "role with a path": (arn(ROLE.replace("dwhRole", "a/b")), {"role_arn": ROLE.replace("dwhRole", "a/b")}),
    "region": (cluster(rest=IAM + S3 + "REGION=eu-west-1\n"), {"region": "eu-west-1", "cluster_region": "eu-west-1"}),
    "region of the cluster": ("[DWH]\nDWH_REGION=eu-west-2\n", {"cluster_region": "eu-west-2", "region": "us-west-2"}),
    "folder without slash": (cluster(), {"log_data": "s3://b-1/log/", "song_data": "s3://b-1/song/"}),
    "folder with slashes": (source("LOG_DATA", "s3://b-1/log///"), {"log_data": "s3://b-1/log/"}),
    "whole bucket": (source("SONG_DATA", "s3://b-1"), {"song_data": "s3://b-1/"}),
    "not ASCII in S3": (source("LOG_DATA", "s3://b-1/Lögs 你好"), {"log_data": "s3://b-1/Lögs 你好/"}),
    "local folders": (
        "[S3]\nLOG_DATA=log\nLOG_JSONPATH=p.json\nSONG_DATA=sö ng\n",
        {"log_data": f"{{folder}}{os.sep}log{os.sep}", "song_data": f"{{folder}}{os.sep}sö ng{os.sep}"},
    ),
    "local place": ("[LOCAL]\nPATH='a b/ü'\n", {"local_path": str(Path("{folder}") / "a b" / "ü")}),
    "absolute certificate": (cluster("SSLROOTCERT=ca.pem\n"), {"sslrootcert": f"{{folder}}{os.sep}ca.pem"}),
    # What cannot be read
    "no section": ("HOST=x\n", "line 1: a [SECTION] must come before the first key."),
    "no equals sign": ("[CLUSTER]\nnonsense\n", "line 2: expected KEY = value."),
    "two lines of nonsense": ("[CLUSTER]\na b\nc d\n", "line 2, 3: expected KEY = value."),
    "no key": ("[CLUSTER]\n=x\n", "line 2: expected KEY = value."),
    "section not closed": ("[CLUSTER\nHOST=x\n", "line 1: a [SECTION] must come before the first key."),
    "key twice": ("[S3]\nREGION=a\nREGION=b\n", "line 3: [S3] REGION is there twice."),
    "key twice, in two cases": ("[S3]\nREGION=a\nregion=b\n", "line 3: [S3] REGION is there twice."),
    "section twice": ("[S3]\n[AWS]\n[S3]\n", "line 3: section [S3] is there twice."),
    "section twice, in two cases": ("[CLUSTER]\n[cluster]\n", "[cluster] and [CLUSTER] are the same section here: make them one."),
    "section twice, with spaces": ("[CLUSTER]\n[CLUSTER ]\n", "[CLUSTER ] and [CLUSTER] are the same section here: make them one."),
    "Latin-1": (b"[CLUSTER]\nDB_PASSWORD=\xe4\n", "is not UTF-8 text (byte 22): save it as UTF-8."),
    "UTF-16": ("[CLUSTER]\n".encode("utf-16"), "is not UTF-8 text (byte 0): save it as UTF-8."),
    "binary": (bytes(range(128, 256)), "is not UTF-8 text (byte 0): save it as UTF-8."),
    "JSON": ('{"HOST": "x"}', "line 1: a [SECTION] must come before the first key."),
    # What is wrong with a value
    "port of letters": (cluster("DB_PORT=abc\n"), port("abc")),
    "port 0": (cluster("DB_PORT=0\n"), port("0")),
    "port too high": (cluster("DB_PORT=65536\n"), port("65536")),
    "port below zero": (cluster("DB_PORT=-1\n"), port("-1")),
    "port with a point": (cluster("DB_PORT=5439.0\n"), port("5439.0")),
    "port with a comment": (cluster("DB_PORT=5439 # the default\n"), port("5439 # the default")),
    "port of 5,000 digits": (cluster(f"DB_PORT={LONG}\n"), port(LONG)),
    "port of other digits": (cluster("DB_PORT=５４３９\n"), port("５４３９")),
    "port with an underscore": (cluster("DB_PORT=5_439\n"), port("5_439")),
    "host with a port": (cluster(host=HOST + ":5439"), NOT_A_HOST),
    "host with a database": (cluster(host=HOST + "/dwh"), NOT_A_HOST),
    "host with a scheme": (cluster(host="jdbc:redshift://" + HOST), NOT_A_HOST),
    "host with a space": (cluster(host="a b"), NOT_A_HOST),
    "host not ASCII": (cluster(host="dwhä.example"), NOT_A_HOST),
    "host with a NUL": (cluster(host="a\0b"), f"[CLUSTER] HOST is 'a\\x00b': {LINE}"),
    "host with ESC": (cluster(host="\x1b[31mred"), f"[CLUSTER] HOST is '\\x1b[31mred': {LINE}"),
    "host on two lines": (cluster(host=f"{HOST}\n  {HOST}"), f"[CLUSTER] HOST is {(HOST + chr(10) + HOST)[:80]!r}: {LINE}"),
    "no database": (cluster().replace("DB_NAME=dwh\n", ""), "[CLUSTER] DB_NAME is missing: give it a value."),
    "no user": (cluster().replace("DB_USER=u\n", "DB_USER=''\n"), "[CLUSTER] DB_USER is missing: give it a value."),
    "no role": (cluster(rest=S3), "[IAM_ROLE] ARN is missing: give it a value."),
    "role's name": (arn("dwhRole"), "[IAM_ROLE] ARN is 'dwhRole': it must look like arn:aws:iam::123456789012:role/name."),
    "a user's ARN": (arn(ROLE.replace("role", "user")), f"[IAM_ROLE] ARN is {ROLE.replace('role', 'user')!r}: it must look like arn:aws:iam::123456789012:role/name."),
    "role with a space": (arn(ROLE + " x"), f"[IAM_ROLE] ARN is {ROLE + ' x'!r}: it must look like arn:aws:iam::123456789012:role/name."),
    "one source of three": ("[S3]\nLOG_DATA=log\n", "[S3] LOG_JSONPATH is missing: give it a value."),
    "Redshift without sources": (cluster(rest=IAM), "[S3] LOG_DATA is missing: give it a value."),
    "Redshift with local data": (source("LOG_DATA", "log"), "[S3] LOG_DATA is 'log': Redshift reads from S3, so it must start with s3://."),
    "http": (source("LOG_DATA", "https://b-1.s3.amazonaws.com/log"), "[S3] LOG_DATA is 'https://b-1.s3.amazonaws.com/log': Redshift reads from S3, so it must start with s3://."),
    "bucket missing": (source("LOG_DATA", "s3:///log"), "[S3] LOG_DATA is 's3:///log': it must look like s3://bucket/path."),
    "bucket in upper case": (source("LOG_DATA", "s3://Bucket/log"), "[S3] LOG_DATA is 's3://Bucket/log': it must look like s3://bucket/path."),
    "file for a folder": (source("SONG_DATA", "s3://b-1/a.json"), "[S3] SONG_DATA is 's3://b-1/a.json': name the folder, not a file in it."),
    "jsonpaths among the logs": (source("LOG_JSONPATH", "s3://b-1/log/p.json"), "[S3] LOG_JSONPATH lies inside LOG_DATA, where COPY would read it as events: move it out."),
    "folder with a NUL": (source("LOG_DATA", "a\0b", host=""), f"[S3] LOG_DATA is 'a\\x00b': {LINE}"),
    "folder with ESC": (source("LOG_DATA", "a\x1b[2Jb", host=""), f"[S3] LOG_DATA is 'a\\x1b[2Jb': {LINE}"),
    "folder on two lines": (source("LOG_DATA", "a\n  b", host=""), f"[S3] LOG_DATA is 'a\\nb': {LINE}"),
    "home of nobody": (source("LOG_DATA", "~nosuchuser/log", host=""), "[S3] LOG_DATA is '~nosuchuser/log': there is no such user, whose home folder it could be."),
    "place in the home of nobody": ("[LOCAL]\nPATH=~nosuchuser\n", "[LOCAL] PATH is '~nosuchuser': there is no such user, whose home folder it could be."),
    "place with a NUL": ("[LOCAL]\nPATH=a\0b\n", f"[LOCAL] PATH is 'a\\x00b': {LINE}"),
    "certificate in the home of nobody": (cluster("SSLROOTCERT=~nosuchuser/x\n"), "[CLUSTER] SSLROOTCERT is '~nosuchuser/x': there is no such user, whose home folder it could be."),
}  # fmt: skip
if os.name == "posix":
    CASES["name of 300 letters"] = (
        f"[LOCAL]\nPATH={'x' * 300}\n",
        f"[LOCAL] PATH is {'x' * 80!r}: File name too long.",
    )


def test_enough_of_them():
    assert len(CASES) >= 80


@pytest.mark.parametrize("name", CASES)
def test_outcome(tmp_path, monkeypatch, name):
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    text, outcome = CASES[name]
    file = tmp_path / "dwh.cfg"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    if isinstance(outcome, str):
        with pytest.raises(ConfigError) as caught:
            load_settings(file)
        assert str(caught.value).removeprefix(str(file)).lstrip(":, ") == outcome
        assert str(caught.value).startswith(str(file)) and caught.value.exit_code == 2
        return
    settings = load_settings(file)
    for key, expected in outcome.items():
        found = getattr(settings, key)
        if isinstance(expected, str):
            found, expected = str(found), expected.replace("{folder}", str(tmp_path))
        if isinstance(expected, AwsKeys):
            found = AwsKeys(found.key, found.secret, found.session_token)
        assert found == expected
