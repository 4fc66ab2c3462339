#!/usr/bin/env python3
"""Checks every C++ file against .clang-format, every source file's length and first comment line (style.md), and that
every Python file is Python.

Prints each breach; ends with 1 if there is one or if it checked no file.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDERS = ("include", "schema", "writer", "sync", "python", "tests", "bench")
LINES_MAX = 400


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc", ".c") and path.is_file():
                yield path


def breaches(path):
    lines = path.read_text().splitlines()
    name = path.relative_to(ROOT)
    if not lines or not lines[0].startswith(("//", "/*")):
        yield f"{name}:1: no comment line that says the file's one job"
    if len(lines) > LINES_MAX and "tests" not in name.parts:
        yield f"{name}: {len(lines)} lines, more than {LINES_MAX}"


def no_python():
    for folder in ("bench", "python", "tests", "tools"):
        for path in sorted((ROOT / folder).rglob("*")):
            if not path.is_file() or not (path.suffix == ".py" or path.read_bytes().startswith(b"#!/usr/bin/env python3")):
                continue
            try:
                compile(path.read_text(), path, "exec")
            except SyntaxError as error:
                yield f"{path.relative_to(ROOT)}:{error.lineno}: {error.msg}"


def main():
    files = list(sources())
    found = [b for path in files for b in breaches(path)] + list(no_python())
    formatted = subprocess.run(["clang-format", "--dry-run", "--Werror", *map(str, files)], capture_output=True, text=True)
    found += [line for line in formatted.stderr.splitlines() if "error:" in line]
    print("\n".join(found + [f"{len(files)} files checked, {len(found)} breaches"]))
    return 1 if found or formatted.returncode or not files else 0


if __name__ == "__main__":
    sys.exit(main())
