#!/usr/bin/env python3
"""Measures commands for Benchmarks/run: user time and peak memory from the kernel's rusage."""

import json
import math
import os
import re
import shlex
import sys

# States of the sizes of tdx-model.md, for hash tables that are neither full nor idle.
KNOWN = {
    (1, 1, 1): 219, (2, 1, 1): 504, (2, 2, 1): 3_768, (2, 2, 2): 11_833, (3, 2, 2): 96_409,
    (2, 3, 2): 98_283, (3, 3, 2): 1_072_003, (3, 4, 2): 11_381_449, (4, 4, 2): 160_000_000,
}


def slots(n, p, l):
    """log2 of the smallest table with a load of at most 0.7; generous for unknown sizes."""
    states = KNOWN.get((n, p, l), 12_000 * 16.0 ** (n - 2) * 12.0 ** (p - 2) * 4.0 ** (l - 2))
    return min(32, max(16, math.ceil(math.log2(max(states, 1) / 0.7))))


def run(command, out):
    """Runs a command with stdout in a file: (exit code or -signal, user seconds, peak bytes)."""
    argv = shlex.split(command)
    pid = os.fork()
    if pid == 0:
        try:
            fd = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(fd, 1)
            os.execv(argv[0], argv)
        except OSError as error:
            os.write(2, f"{argv[0]}: {error}\n".encode())
        os._exit(127)
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_utime, usage.ru_maxrss * 1024


def counts(tool, text):
    """(states, transitions, diameter or None) from a tool's output."""
    if tool == "limit":
        found = re.search(r"states=(\d+) trans=(\d+) diameter=(\d+)", text)
        if found is None:
            raise ValueError("no counts in the output")
        return tuple(map(int, found.groups()))
    if tool == "spin":
        states = re.search(r"^\s*(\d+) states, stored", text, re.M)
        moves = re.search(r"^\s*(\d+) transitions", text, re.M)
        if states is None or moves is None:
            raise ValueError("no counts in the output")
        if "errors: 0" not in text or "search not completed" in text.lower():
            raise ValueError("the search found an error or was not completed")
        return int(states[1]), int(moves[1]) - 1, None  # Spin counts the start as a transition.
    if tool == "rumur":
        found = re.search(r"(\d+) states, (\d+) rules fired", text)
        if found is None or "No error found" not in text:
            raise ValueError("no counts in the output")
        return int(found[1]), int(found[2]), None
    events = [json.loads(line) for line in text.splitlines() if line.strip()]
    verdicts = [event for event in events if event.get("event") == "verdict"]
    found = {(v["states"], v["transitions"], v["diameter"]) for v in verdicts}
    others = sorted({v["verdict"] for v in verdicts} - {"EXHAUSTED"})
    if others:
        raise ValueError(f"verdicts other than EXHAUSTED: {', '.join(others)}")
    if len(found) != 1:
        raise ValueError(f"{len(verdicts)} verdicts with {len(found)} different counts")
    return found.pop()


def compare(runs, tools):
    """Runs the tools in turn, prints the table, and returns 0 if all counts agree."""
    best, seen = {}, {}
    for turn in range(runs):
        for name, command in tools:
            code, user, peak = run(command, "stdout")
            with open("stdout", encoding="utf-8", errors="replace") as file:
                text = file.read()
            try:
                if code != 0:
                    raise ValueError(f"exit code {code}")
                found = counts(name.split()[0], text)
            except (ValueError, KeyError, TypeError) as error:
                print(f"{name}: {error}; the output ends {text[-300:]!r}", file=sys.stderr)
                return 1
            if seen.setdefault(name, found) != found:
                print(f"{name}: {found} and then {seen[name]}", file=sys.stderr)
                return 1
            old = best.get(name, (math.inf, 0))
            best[name] = (min(old[0], user), max(old[1], peak))
            print(f"run {turn + 1}: {name} {user:.3f} s", file=sys.stderr)
    table(tools, best, seen)
    return agree(seen)


def table(tools, best, seen):
    """Prints the comparison as a Markdown table."""
    head = ["tool", "states", "transitions", "best user s", "Mstates/s", "peak B/state",
            "speed / limit.c", "speed / Spin", "speed / Rumur"]
    rows = []
    for name, _ in tools:
        user, peak = best[name]
        states, moves, _ = seen[name]
        row = [name, f"{states:,}", f"{moves:,}", f"{user:.3f}",
               f"{states / user / 1e6:.2f}" if user else "-", f"{peak / states:.1f}"]
        for other in ("limit", "spin", "rumur heuristic"):
            known = other in best and user
            row.append(f"{best[other][0] / user:.2f}" if known else "-")
        rows.append(row)
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    for row in [head, rule, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("| " + " | ".join(cells) + " |")
    plain, padded = best.get("tdxspec"), best.get("tdxspec PAD=2")
    if plain and padded and plain[0]:
        print(f"\ntdxspec: PAD=2 takes {padded[0] / plain[0]:.2f} times the time of PAD=0")


def agree(seen):
    """0 if states, transitions and the diameters that are known are the same everywhere."""
    # Rumur's heuristic stores more than one state of an orbit.
    pairs = {found[:2] for name, found in seen.items() if name != "rumur heuristic"}
    diameters = {found[2] for found in seen.values() if found[2] is not None}
    if len(pairs) == 1 and len(diameters) <= 1:
        return 0
    for name, found in seen.items():
        print(f"{name}: states, transitions, diameter = {found}", file=sys.stderr)
    print("the counts differ", file=sys.stderr)
    return 1


def main(argv):
    if argv[:1] == ["slots"]:
        print(slots(*map(int, argv[1:4])))
        return 0
    tools = [tuple(tool.split(":", 1)) for tool in argv[2:]]
    return compare(int(argv[1]), tools)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
