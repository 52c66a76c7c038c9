#!/usr/bin/env python3
"""A backend for tdxspec that tests a ticket lock: one call, TAKE, as in Specs/Tutorial.

It shows all that a backend needs (docs/backend-protocol.md):

    tdxspec generate tutorial/ticket-lock --criterion hsi --observe taken -o suite.json
    tdxspec conform --backend "exec:contrib/backends/ticket_lock.py" --suite suite.json

TICKET_LOCK_FAULT breaks it on purpose, to see what a run then says:
    again     TAKE succeeds although the ticket is taken
    errno     a refused TAKE answers EAGAIN
    third     the third TAKE succeeds: a fault that needs one more state than the spec has
    late      nothing is answered to TAKE
    crash     TAKE ends the process
    garbage   the answer to TAKE is no JSON
    sticky    a reset does not free the ticket
"""

import json
import os
import sys
import time

FAULT = os.environ.get("TICKET_LOCK_FAULT", "")


class TicketLock:
    """The system under test."""

    def __init__(self):
        self.taken = 0
        self.calls = 0

    def reset(self):
        if FAULT != "sticky":
            self.taken = 0
        self.calls = 0

    def take(self):
        self.calls += 1
        free = self.taken == 0 or FAULT == "again"
        if free or (FAULT == "third" and self.calls == 3):
            self.taken += 1
            return {"ok": 0}
        return {"errno": "EAGAIN" if FAULT == "errno" else "EBUSY"}


class CannotDo(Exception):
    """The backend cannot do what it was asked for, which is no outcome of a call."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def perform(lock, call):
    """Makes a call and returns its outcome."""
    if call["name"] != "TAKE":
        raise CannotDo("unknownCall", "there is no call " + call["name"])
    if call.get("args"):
        raise CannotDo("unknownCall", "TAKE has no arguments")
    if FAULT == "late":
        time.sleep(3600)
    if FAULT == "crash":
        os.abort()
    return lock.take()


def answer(lock, request):
    """What a request is answered, without its id."""
    verb = request["do"]
    if verb == "probe":
        return {"profile": {"backend": "ticket-lock", "capabilities": [], "details": {}}}
    if verb == "reset":
        lock.reset()
        return {}
    if verb == "perform":
        return {"result": {"outcome": perform(lock, request["call"])}}
    if verb == "observe":
        return {"observations": {"taken": str(lock.taken)}}
    raise CannotDo("unknownCall", "there is no request " + verb)


def main():
    lock = TicketLock()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = answer(lock, request)
        except CannotDo as error:
            reply = {"error": {"kind": error.kind, "message": str(error)}}
        reply["id"] = request["id"]
        text = json.dumps(reply)
        if FAULT == "garbage" and request["do"] == "perform":
            text = "{" + text
        print(text, flush=True)


if __name__ == "__main__":
    main()
