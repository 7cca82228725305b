"""The whole pipeline from S3, as moto serves it."""

import json
from dataclasses import replace

import pytest

import create_tables
import etl
from infra import simulate_data, warehouse
from infra.config import load_settings
from infra.database import select_one
from notebooks.selects import row_counts_select
from tests.fixtures.etl import event


@pytest.fixture
def uploaded(s3, case, tmp_path) -> dict[str, int]:
    """Simulated data in the bucket, a configuration that names them, and beside them logs that are not to be loaded."""
    folder = tmp_path / "simulated"
    counts = simulate_data.simulate(folder, songs=60, users=10, events=600, days=4)
    for file in folder.rglob("*.json"):
        s3.upload_file(str(file), "sparkify", file.relative_to(folder).as_posix())
    neighbour = json.dumps(event(userId="999")).encode()
    s3.put_object(Bucket="sparkify", Key="log_data_old/2018/11/x.json", Body=neighbour)
    s3.put_object(Bucket="sparkify", Key="song_data2/x.json", Body=b'{"song_id": "SX", "artist_id": "AX"}')
    case.config.write_text(
        f"[LOCAL]\nPATH={case.settings.local_path}\n[S3]\nLOG_DATA='s3://sparkify/log_data'\n"
        "SONG_DATA='s3://sparkify/song_data'\nLOG_JSONPATH='s3://sparkify/log_json_path.json'\n"
    )
    return counts


def test_the_pipeline_from_s3(case, uploaded, run_script):
    assert run_script("create_tables.py", "--config", case.config).returncode == 0
    done = run_script("etl.py", "--config", case.config)
    assert (done.returncode, done.stderr) == (0, "")
    counts = select_one(case.connection, row_counts_select)
    case.connection.rollback()
    plays = len({row[1:] for row in case.tables()["songplays"]})
    assert counts == {
        "staging_events": uploaded["events"],
        "staging_songs": 60,
        "songplays": plays,
        "songplays_matched": uploaded["matched"],
        "users": uploaded["users"],
        "songs": 60,
        "artists": uploaded["artists"],
        "time": len({row[1] for row in case.tables()["songplays"]}),
    }
    assert plays == uploaded["plays"]
    assert not case.execute("SELECT * FROM users WHERE user_id = 999")
    assert done.stdout.splitlines()[0].startswith("Embedded warehouse in ")
    assert "credentials" not in done.stdout  # boto3 would tell where it found them
    before = case.tables()
    assert run_script("etl.py", "--config", case.config, "--quiet").stdout == ""
    assert case.tables() == before


def test_a_cluster_reads_only_new_files_by_manifests_in_work(s3, case, uploaded, monkeypatch, caplog):
    """The settings are a cluster's; the embedded warehouse stands for it and reads the manifests from S3."""
    embedded = load_settings(case.config)
    cluster = replace(embedded, host="c.x.us-west-2.redshift.amazonaws.com", work="s3://sparkify/work/")
    for module in ("etl", "infra.load.outcome"):
        monkeypatch.setattr(f"{module}.connect", lambda _: warehouse.connect(embedded))
    monkeypatch.setattr(etl, "load_settings", lambda _: cluster)
    assert create_tables.main(["--config", str(case.config)]) == 0
    assert etl.main(["--config", str(case.config)]) == 0
    assert case.execute("SELECT COUNT(*) FROM staging_songs") == [(60,)]
    files = s3.list_objects_v2(Bucket="sparkify")["KeyCount"] - 3  # the jsonpaths file and the two neighbours
    assert case.execute("SELECT COUNT(*) FROM loaded_files") == [(files + 1,)]  # and the jsonpaths file
    assert s3.list_objects_v2(Bucket="sparkify", Prefix="work/")["KeyCount"] == 0
    caplog.clear()
    assert etl.main(["--config", str(case.config)]) == 0
    assert f"Nothing new: {files} files" in caplog.text
