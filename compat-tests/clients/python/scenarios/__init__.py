"""The scenarios, by the names of compat-tests/scenarios.toml; the same for both Python clients."""

from . import calls, ends, identity, sends, sizes, streams
from .registry import ALL

__all__ = ["ALL", "calls", "ends", "identity", "sends", "sizes", "streams"]
