#!/usr/bin/env python3
"""Checks that includes go one way: include/wb <- schema <- writer, schema <- sync; writer and sync never meet.

Also: the training process (schema/*.{h,cc}, writer/*.{h,cc}) sees no SQLite, zstd, curl, JSON or CLI11; curl, JSON and
CLI11 stay in sync. Prints each breach as file:line and ends with 1 if there is one, or if it checked no file.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'\s*#\s*include\s+[<"]([^>"]+)[>"]')

# folder -> project folders it may include
MAY_INCLUDE = {
    "include/wb": {"wb"},
    "schema": {"wb", "schema"},
    "writer": {"wb", "schema", "writer"},
    "sync": {"wb", "schema", "sync"},
    "python": {"wb"},
}
PROJECT_FOLDERS = ("wb/", "schema/", "writer/", "sync/", "tests/", "bench/", "python/")
# external header prefix -> where it may be included
EXTERNAL = {
    "sqlite3.h": ("schema/journal", "sync"),
    "zstd": ("schema/journal", "sync"),
    "curl/": ("sync/net",),
    "nlohmann/": ("sync",),
    "openssl/": ("sync/digest.cc",),
    "CLI/": ("sync/main.cc", "sync/commands"),
    "nanobind/": ("python",),
}
JOURNAL_USERS = ("schema/journal", "writer/keeper", "sync")


def breaches(path):
    name = path.relative_to(ROOT).as_posix()
    layer = next((f for f in MAY_INCLUDE if name.startswith(f + "/")), None)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1)
        where = f"{name}:{number}: {header}"
        if header.startswith(PROJECT_FOLDERS) and header.split("/")[0] not in MAY_INCLUDE[layer]:
            yield f"{where}: {layer} may not include it"
        if header.startswith("schema/journal/") and not name.startswith(JOURNAL_USERS):
            yield f"{where}: brings SQLite and zstd into the training process"
        if header.startswith("writer/keeper/") and not name.startswith("writer/keeper/"):
            yield f"{where}: the keeper's insides"
        for prefix, homes in EXTERNAL.items():
            if header.startswith(prefix) and not name.startswith(homes):
                yield f"{where}: only in {', '.join(homes)}"


def main():
    files = [p for folder in MAY_INCLUDE for p in sorted((ROOT / folder).rglob("*")) if p.suffix in (".h", ".cc", ".c")]
    found = [b for p in files for b in breaches(p)]
    print("\n".join(found + [f"{len(files)} files checked, {len(found)} breaches"]))
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
