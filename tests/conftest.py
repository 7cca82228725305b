"""The fixtures of all tests, as plugins by concern; one that uses another's helpers comes after it."""

pytest_plugins = [
    "tests.fixtures.aws",
    "tests.fixtures.warehouse",
    "tests.fixtures.copying",
    "tests.fixtures.etl",
    "tests.fixtures.answers",
]
