"""What the tests of charts and dashboard share: answers from the simulated data, and what a mark is to tell."""

from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import drop_tables

import create_tables
import etl
from infra import warehouse
from infra.config import Settings, load_settings
from infra.report import Answer, answer_all


class Simulated(NamedTuple):
    """The settings of a warehouse with simulated data, and what it answers."""

    settings: Settings
    answers: list[Answer]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory, warehouse_path: Path) -> Simulated:
    """The default simulated data in the shared warehouse, until another test drops the tables."""
    config = tmp_path_factory.mktemp("simulated") / "dwh.cfg"
    config.write_text(f"[LOCAL]\nPATH={warehouse_path}\n")
    settings = load_settings(config)
    connection = warehouse.connect(settings)
    drop_tables(connection)
    connection.close()
    assert create_tables.main(["--config", str(config)]) == 0
    assert etl.main(["--config", str(config), "--quiet"]) == 0
    return Simulated(settings, answer_all(settings))


def shown(value: object) -> str:
    """A value as readers are to see it, in a table or beside a chart."""
    if value is None:
        return "unknown"
    return f"{value:,}".removesuffix(".0") if isinstance(value, int | float) else str(value)


def told(answer: Answer) -> list[str]:
    """What the marks of an answer's chart are to tell, row by row."""
    names = [name.replace("_", " ") for name in answer.columns]
    return ["; ".join(f"{name}: {shown(value)}" for name, value in zip(names, row, strict=True)) for row in answer.rows]


def without_isolates(text: str) -> str:
    """A description without the marks that keep directions of writing apart."""
    return text.replace("\u2068", "").replace("\u2069", "")
