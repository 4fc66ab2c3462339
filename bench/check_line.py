#!/usr/bin/env python3
"""Smoke test of a benchmark: runs NAME COMMAND... and checks that it prints one JSON line of that name with no drops.

Ends with 77 (skipped) if the command does: something that it compares with is not installed.
"""
import json
import subprocess
import sys


def problem_of(name, result):
    """What is wrong with the command's result, or None."""
    if result.returncode != 0:
        return f"exit code {result.returncode}: {result.stdout}{result.stderr}"
    lines = result.stdout.splitlines()
    if len(lines) != 1:
        return f"{len(lines)} lines on stdout instead of one: {result.stdout}"
    try:
        line = json.loads(lines[0])
    except ValueError as error:
        return f"not JSON ({error}): {lines[0]}"
    if line.get("name") != name:
        return f"the name is {line.get('name')!r} instead of {name!r}"
    if line.get("drops") != 0:
        return f"drops: {line.get('drops')!r}"
    return None


def main():
    name, command = sys.argv[1], sys.argv[2:]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 77:
        print(result.stderr)
        return 77
    problem = problem_of(name, result)
    print(problem or result.stdout, end="")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
