"""COPY's files: prefixes, manifests, compression and regions in S3, local paths, and what cannot be read."""

import bz2
import gzip
import json
import os
import sys
import time
from itertools import count
from pathlib import Path

import boto3
import psycopg2
import pytest
from botocore.exceptions import ClientError
from psycopg2.extensions import QuotedString

from infra.aws.client_errors import explain_unreadable
from infra.local.copy_command.fast_path import CsvMaker
from tests.fixtures.aws import free_port
from tests.fixtures.copying import AUTO, Copier

IN_REGION = AUTO + " REGION 'us-west-2'"


def put(s3, **objects: str | bytes) -> None:
    """Put objects into the bucket; `__` in a name stands for a slash, `_json` at its end for `.json`."""
    for name, body in objects.items():
        key = name.replace("__", "/").replace("_json", ".json")
        s3.put_object(Bucket="sparkify", Key=key, Body=body.encode() if isinstance(body, str) else body)


def manifest(s3, *entries: dict) -> str:
    """Put a manifest and return its URL."""
    put(s3, manifest=json.dumps({"entries": entries}))
    return "s3://sparkify/manifest"


def entry(key: str, **more: bool) -> dict:
    """An entry of a manifest."""
    return {"url": f"s3://sparkify/{key}", **more}


def test_a_prefix_takes_its_neighbours_unless_it_ends_with_a_slash(copier: Copier, s3):
    put(s3, log_data__a_json='{"a": "1"}', log_data__2018__b_json='{"a": "2"}', log_data_old__x_json='{"a": "old"}')
    copier.copy("s3://sparkify/log_data/")
    assert sorted(copier.rows()) == [("1",), ("2",)]
    copier.copy("s3://sparkify/log_data")
    assert sorted(copier.rows()) == [("1",), ("1",), ("2",), ("2",), ("old",)]


def test_a_batch_is_loaded_though_another_thread_came_first(copier: Copier, monkeypatch: pytest.MonkeyPatch):
    started = count()
    take = CsvMaker.next

    def late(maker: CsvMaker):
        """Let the first thread come after the only batch has gone to the second."""
        if next(started) == 0:
            time.sleep(0.2)
        return take(maker)

    monkeypatch.setattr(CsvMaker, "next", late)
    copier.load('{"a": "1"}')
    assert copier.rows() == [("1",)]


def test_a_jsonpaths_file_under_the_prefix_is_read_as_data(copier: Copier, s3):
    put(s3, log__a_json='{"a": "1"}', log__paths_json='{"jsonpaths": ["$.a"]}')
    copier.copy("s3://sparkify/log/", "FORMAT JSON 's3://sparkify/log/paths.json'")
    assert copier.rows() == [("1",), (None,)]


def test_folder_keys_and_empty_objects_hold_no_rows(copier: Copier, s3):
    put(s3, log__="", log__sub__="not json", log__empty_json="", log__a_json='{"a": "1"}', log__space_json=" \n")
    copier.copy("s3://sparkify/log/")
    assert copier.rows() == [("1",)]
    copier.copy("s3://sparkify/log/empty")
    assert copier.rows() == [("1",)] and copier.execute("SELECT pg_last_copy_count()") == [(0,)]


def test_many_objects_of_many_sizes(copier: Copier, s3, monkeypatch: pytest.MonkeyPatch):
    """More than are fetched ahead, and some too large for that."""
    for number in range(70):
        put(s3, **{f"log__{number:03}": f'{{"a": "{number}"}}\n' * (30_000 if number % 30 == 0 else 1)})
    copier.copy("s3://sparkify/log/")
    assert len(copier.rows()) == 67 + 3 * 30_000
    assert len(set(copier.rows())) == 70


def test_manifest(copier: Copier, s3):
    put(s3, a_json='{"a": "1"}', b_json='{"a": "2"}')
    url = manifest(s3, entry("a.json", mandatory=True), entry("b.json"), entry("b.json"), entry("none.json"))
    copier.copy(url, AUTO + " MANIFEST")
    assert copier.rows() == [("1",), ("2",), ("2",)]


def test_a_manifest_s_mandatory_file_must_exist_and_one_of_all(copier: Copier, s3):
    put(s3, a_json='{"a": "1"}')
    url = manifest(s3, entry("a.json"), entry("none.json", mandatory=True))
    assert "s3://sparkify/none.json cannot be read: it does not exist" in copier.refused(AUTO + " MANIFEST", url)
    url = manifest(s3, entry("none.json", mandatory=False))
    assert "names no file that exists" in copier.refused(AUTO + " MANIFEST", url)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"entries": [{"mandatory": true}]}', '{"entries": [{"url": "/tmp/x"}]}']
)
def test_a_broken_manifest(copier: Copier, s3, body: str):
    put(s3, manifest=body)
    assert "s3://sparkify/manifest is not of the form" in copier.refused(AUTO + " MANIFEST", "s3://sparkify/manifest")


@pytest.mark.parametrize(("word", "pack"), [("GZIP", gzip.compress), ("BZIP2", bz2.compress)])
@pytest.mark.parametrize("place", ["s3", "disk"])
def test_compression_must_be_declared(copier: Copier, s3, word: str, pack, place: str):
    packed = pack(b'{"a": "1"}\n{"a": "2"}\n') + pack(b'{"a": "3"}')
    put(s3, data_json=packed)
    source = "s3://sparkify/data.json" if place == "s3" else copier.file(packed)
    copier.copy(source, f"{AUTO} {word}")
    assert copier.rows() == [("1",), ("2",), ("3",)]
    copier.connection.commit()
    assert copier.rejected(packed)[0][1] in (1216, 1220)
    copier.file(b'{"a": "1"}')
    put(s3, data_json=b'{"a": "1"}')
    assert source in copier.refused(f"{AUTO} {word}", source)


@pytest.mark.parametrize(("word", "pack"), [("GZIP", gzip.compress), ("BZIP2", bz2.compress)])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_compressed_file(copier: Copier, word: str, pack, damage: str):
    packed = pack(os.urandom(5000).hex().encode())
    bad = packed[:-100] if damage == "cut" else packed[:500] + bytes(100) + packed[600:]
    source = copier.file(bad)
    assert f"{source} cannot be read" in copier.refused(f"{AUTO} {word}", source)


def test_a_bucket_in_another_region_needs_region(copier: Copier, s3):
    boto3.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    boto3.client("s3", region_name="eu-west-1").put_object(Bucket="far", Key="a.json", Body=b'{"a": "1"}')
    message = copier.refused(AUTO, "s3://far/")
    assert "the bucket far is in eu-west-1" in message and "REGION" in message
    copier.copy("s3://far/", AUTO + " REGION AS 'eu-west-1'")
    assert copier.rows() == [("1",)]


def test_keys_in_the_statement_sign_in_to_s3(copier: Copier, s3, monkeypatch: pytest.MonkeyPatch):
    put(s3, data_json=b'{"a": "1"}')
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    copier.create("a VARCHAR").connection.commit()
    load = f"COPY t FROM 's3://sparkify/data.json' CREDENTIALS '{{}}' {AUTO}"
    with copier.connection.cursor() as cursor:
        with pytest.raises(psycopg2.InternalError, match="credentials"):
            cursor.execute(load.format("aws_iam_role=arn:aws:iam::123456789012:role/dwhRole"))
        copier.connection.rollback()
        cursor.execute(load.format("aws_access_key_id=AKIAOTHER;aws_secret_access_key=other"))
    assert copier.rows() == [("1",)]


def test_local_directories_are_read_to_their_depth_and_in_the_order_of_their_names(copier: Copier):
    for number, name in enumerate(["a.json", "sub/deep/b.json", "x.json/c.json", ".hidden"]):
        copier.file(f'{{"a": "{number}"}}', f"log/{name}")
    copier.copy(str(copier.folder / "log") + os.sep)
    assert copier.rows() == [("3",), ("0",), ("1",), ("2",)]


@pytest.mark.parametrize("name", ["a=7/x.json", "x.json.gz", "x.zst", "[ab].json", "it's 100%.json", "é\\x.csv"])
def test_a_file_s_name_means_nothing(copier: Copier, name: str, monkeypatch: pytest.MonkeyPatch):
    """DuckDB would read partitions, compression, patterns and formats into it."""
    if os.name == "nt" and "\\" in name:
        pytest.skip("Windows has no such file name")
    monkeypatch.setattr("infra.local.copy_command.batches.WHOLE", range(1, 1 << 40))
    copier.copy(copier.file('{"a": "1"}\n{"a": "2"}', name))
    assert copier.rows() == [("1",), ("2",)]


@pytest.mark.parametrize("name", ["b[0-9].json", "b*.json", "b?.json", "**", "{b1,b2}.json", "b[!x].json"])
@pytest.mark.parametrize("whole", [range(1, 1 << 40), range(0)])
def test_a_name_that_looks_like_a_pattern_does_not_read_its_neighbours(copier: Copier, monkeypatch, name: str, whole):
    monkeypatch.setattr("infra.local.copy_command.batches.WHOLE", whole)
    try:
        source = copier.file('{"a": "own"}\n', name)
    except OSError as error:
        pytest.skip(f"no such file name here: {error}")
    for number in range(3):
        copier.file('{"a": "neighbour"}\n', f"b{number}.json")
    copier.copy(source)
    assert copier.rows() == [("own",)]
    copier.copy(str(copier.folder))
    assert sorted(copier.rows()) == [("neighbour",)] * 3 + [("own",)] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not UTF-8")
@pytest.mark.parametrize("whole", [range(1, 1 << 40), range(0)])
def test_a_name_that_is_not_utf8(copier: Copier, monkeypatch, whole):
    monkeypatch.setattr("infra.local.copy_command.batches.WHOLE", whole)
    copier.create("a INTEGER")
    folder = copier.folder / "log"
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.json")).write_text('{"a": 1}')
    copier.copy(str(folder))
    assert copier.rows() == [(1,)]
    copier.connection.commit()
    (folder / os.fsdecode(b"caf\xe9.json")).write_text('{"a": "x"}')
    with pytest.raises(psycopg2.InternalError, match="stl_load_errors"):
        copier.copy(str(folder))
    copier.connection.rollback()
    [(name,)] = copier.execute("SELECT filename FROM stl_load_errors WHERE query = pg_last_copy_id()")
    assert name == str(folder / "caf\\xe9.json")
    (folder / os.fsdecode(b"caf\xe9.json")).unlink()
    (folder / os.fsdecode(b"\xff.json")).symlink_to(folder / "nowhere")
    assert "\\xff.json' does not exist" in copier.refused(AUTO, str(folder))


def test_folders_that_link_to_themselves_are_read_once(copier: Copier):
    copier.file('{"a": "1"}', "log/a.json")
    copier.file('{"a": "2"}', "log/sub/b.json")
    copier.file('{"a": "3"}', "elsewhere/c.json")
    try:
        for link, target in {"one": ".", "two": ".", "sub/up": "..", "twin": "sub", "out": "../elsewhere"}.items():
            (copier.folder / "log" / link).symlink_to(target, target_is_directory=True)
    except OSError as error:
        pytest.skip(f"no symbolic links here: {error}")
    copier.copy(str(copier.folder / "log"))
    assert sorted(copier.rows()) == [("1",), ("2",), ("3",)]


def test_a_manifest_on_disk_may_name_files_on_disk(copier: Copier, s3):
    put(s3, a_json='{"a": "1"}')
    there, missing = copier.file('{"a": "2"}', "b.json"), str(copier.folder / "missing.json")
    entries = [entry("a.json"), {"url": there, "mandatory": True}, {"url": missing}]
    source = copier.file(json.dumps({"entries": entries}), "m/manifest")
    copier.copy(source, AUTO + " MANIFEST")
    assert sorted(copier.rows()) == [("1",), ("2",)]
    entries[2]["mandatory"] = True
    source = copier.file(json.dumps({"entries": entries}), "m/manifest")
    assert f"'{missing}' does not exist" in copier.refused(AUTO + " MANIFEST", source)
    for url in ("relative.json", "/a\0b", "s3://bucket", 5, None):
        source = copier.file(json.dumps({"entries": [{"url": url}]}), "m/manifest")
        assert "is not of the form" in copier.refused(AUTO + " MANIFEST", source)


def test_what_is_not_there(copier: Copier, s3, tmp_path: Path):
    missing = str(tmp_path / "missing")
    assert f"'{missing}' does not exist" in copier.refused(AUTO, missing)
    (tmp_path / "empty").mkdir()
    assert "no file's name begins with it" in copier.refused(AUTO, str(tmp_path / "empty"))
    assert "'s3://sparkify/log_data/' does not exist" in copier.refused(IN_REGION, "s3://sparkify/log_data/")
    message = copier.refused(IN_REGION, "s3://no-such-bucket/log_data/")
    assert "s3://no-such-bucket cannot be read: the bucket does not exist" in message
    for where in ("s3://sparkify/paths.json", str(tmp_path / "paths.json")):
        message = copier.refused(f"FORMAT JSON {QuotedString(where)}")
        assert where.replace("\\", "") in message.replace("\\", "") and "does not exist" in message


def test_an_unreadable_file_is_named(copier: Copier):
    copier.file('{"a": "1"}', "log/a.json")
    link = copier.folder / "log" / "b.json"
    try:
        link.symlink_to(copier.folder / "nowhere")
    except OSError as error:
        pytest.skip(f"no symbolic links here: {error}")
    message = copier.refused(AUTO, str(copier.folder / "log"))
    assert "b.json" in message and "does not exist" in message


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file; Windows has no chmod"
)
def test_a_file_without_permission_is_named(copier: Copier):
    source = copier.file('{"a": "1"}')
    Path(source).chmod(0)
    assert f"{source} cannot be read: Permission denied" in copier.refused(AUTO, source)


@pytest.mark.parametrize(
    ("code", "says"),
    [("InvalidAccessKeyId", "does not accept your credentials"), ("ExpiredToken", "does not accept your credentials"),
     ("SignatureDoesNotMatch", "does not accept your credentials"), ("403", "access is denied"),
     ("AccessDenied", "access is denied"), ("NoSuchKey", "it does not exist"), ("SlowDown", "throttling"),
     ("NoSuchBucket", "the bucket does not exist"), ("Odd", "answers GetObject with Odd: secret text")],
)  # fmt: skip
def test_what_s3_refuses_is_explained(code: str, says: str):
    error = ClientError({"Error": {"Code": code, "Message": "secret text"}}, "GetObject")
    message = explain_unreadable("s3://sparkify/log_data/", error)
    assert message.startswith("s3://sparkify/log_data/ cannot be read: ")
    assert says in message
    assert ("secret" in message) == (code == "Odd")


def test_wrong_credentials(copier: Copier, s3, monkeypatch: pytest.MonkeyPatch):
    """HeadBucket is the first request, and its answer has no body to say more than 403."""
    put(s3, a_json='{"a": "1"}')

    class Denying:
        """An S3 client that is let in nowhere."""

        def head_bucket(self, **_: str):
            """Answer 403."""
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")

    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: Denying())
    message = copier.refused(AUTO, "s3://sparkify/a.json")
    assert "s3://sparkify cannot be read: access is denied (403)" in message
    monkeypatch.undo()
    assert copier.rows() == []


def test_no_credentials(copier: Copier, s3, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "redentials" in copier.refused(AUTO, "s3://sparkify/log_data/")


def test_nobody_answers(copier: Copier, s3, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    message = copier.refused(AUTO, "s3://sparkify/log_data/")
    assert "s3://sparkify cannot be read: AWS cannot be asked: Could not connect" in message
