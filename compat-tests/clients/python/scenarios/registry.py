"""The list of scenarios, filled by the modules beside this one."""

from harness import Scenario

ALL = []


def scenario(name, *needs, limit=10, slow=False):
    def add(run):
        ALL.append(Scenario(name, run, needs, limit, slow))
        return run

    return add
