#!/usr/bin/env python3
"""Checks with readelf that programs are position independent, and that they and libraries have full RELRO, immediate
binding and no executable stack; and that libwb needs neither SQLite nor zstd nor curl.

Arguments: the ELF files. Prints each breach; ends with 1 if there is one or if it checked no file.
"""
import pathlib
import re
import subprocess
import sys


def readelf(option, path):
    return subprocess.run(["readelf", "--wide", option, path], capture_output=True, text=True, check=True).stdout


def breaches(path):
    dynamic, segments = readelf("-d", path), readelf("-l", path)
    if "Elf file type is DYN" not in segments:
        yield "is not position independent"
    if "GNU_RELRO" not in segments or not re.search(r"FLAGS.*(BIND_NOW|NOW)", dynamic):
        yield "has no full RELRO with immediate binding"
    stack = re.search(r"GNU_STACK.*", segments)
    if not stack or re.search(r"\bRWE\b", stack.group(0)):
        yield "has an executable stack"
    if pathlib.Path(path).name.startswith("libwb"):
        for library in re.findall(r"NEEDED.*\[(.*)\]", dynamic):
            if re.match(r"lib(sqlite3|zstd|curl|crypto|ssl)", library):
                yield f"needs {library}: the training process links none of it"


def main():
    files = sys.argv[1:]
    found = [f"{path}: {breach}" for path in files for breach in breaches(path)]
    print("\n".join(found + [f"{len(files)} files checked, {len(found)} breaches"]))
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
