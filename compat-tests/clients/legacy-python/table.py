"""The scenarios of compat-tests/legacy-scenarios.toml."""

import tomllib
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent.parent.parent / "legacy-scenarios.toml"


class Row(NamedTuple):
    """What the table says of a scenario; the limit is in seconds."""

    name: str
    about: str
    needs: list[str]
    limit: float = 15
    slow: bool = False
    alone: bool = False


def read():
    with FILE.open("rb") as file:
        return [Row(**row) for row in tomllib.load(file)["scenario"]]
