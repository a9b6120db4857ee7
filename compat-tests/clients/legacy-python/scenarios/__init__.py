"""The scenarios, by their names in compat-tests/legacy-scenarios.toml; the same for both Python clients."""

from . import callbacks, calls, connects, errors, groups, identity, reconnects, sends, stops
from .registry import ALL

__all__ = ["ALL", "callbacks", "calls", "connects", "errors", "groups", "identity", "reconnects", "sends", "stops"]
