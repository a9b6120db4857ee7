"""The scenarios by name, filled by the modules beside this one."""

from checks import Failed

ALL = {}


def scenario(name):
    def add(run):
        ALL[name] = run
        return run

    return add


def _absent(scene):
    raise Failed("the driver has not got it")


# What neither client can do by nature: the table says what they need.
for _name in ("state-round-trip", "state-pushed", "unload-told", "unload-untold", "reconnect-replay", "reconnect-outage", "reconnect-mid-frame", "reconnect-mid-call", "reconnect-five-cuts"):
    ALL[_name] = _absent
