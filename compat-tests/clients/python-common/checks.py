"""Checks, which end a scenario when they do not hold, and answers that are waited for."""

import threading

STEP = 6.0
"""How long one step of a scenario may take, in seconds: shorter than a scenario's limit, so that a failure says which step it was."""


class Failed(Exception):
    """The client or the server did something else than expected."""


class Skipped(Exception):
    """This client cannot do it by nature."""


class CallError(Exception):
    """The server answered a call with an error."""


class Refused(Exception):
    """The server did not let the client in."""


def equal(wanted, got, what="the answer"):
    if wanted != got:
        raise Failed(f"{what}: expected {shown(wanted)}, got {shown(got)}")


def true(condition, what):
    if not condition:
        raise Failed(what)


def shown(value):
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:100]}… ({len(text)} characters)"


def refused(action, text):
    """The call must fail with this text."""
    try:
        answer = action()
    except CallError as error:
        equal(text, str(error), "the error")
        return
    raise Failed(f"no error, but {shown(answer)}")


class Pending:
    """The answer of a call that has been sent."""

    def __init__(self, what):
        self._what = what
        self._done = threading.Event()
        self._result = self._error = None

    @property
    def done(self):
        return self._done.is_set()

    def succeed(self, result):
        self._result = result
        self._done.set()

    def fail(self, error):
        self._error = error
        self._done.set()

    def result(self, timeout=STEP):
        if not self._done.wait(timeout):
            raise Failed(f"{self._what} is not answered within {timeout:g} s")
        if self._error is not None:
            raise self._error
        return self._result
