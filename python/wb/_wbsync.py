"""The command wbsync: hands over to the program that the package carries."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Becomes wbsync. Exit code 127 if the package was built without it."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "wbsync")
    try:
        os.execv(program, ["wbsync", *sys.argv[1:]])
    except OSError as error:
        print(f"wbsync: {program}: {error.strerror}; wbjournal was built without it (WB_BUILD_SYNC=OFF)",
              file=sys.stderr)
        sys.exit(127)
