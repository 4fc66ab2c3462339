"""Checks the golden journals: `wbsync dump --all` says what was committed, and the second reader says the same.

usage: check.py WBSYNC GOLDEN_DIRECTORY EXPECTED_COUNT. Compares lines with the committed ones byte for byte, and with the
second reader's as JSON (types, every bit of a float but a NaN's payload, order of names).
"""
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def output(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, encoding="utf-8", timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def parsed(lines):
    return [repr(json.loads(line, object_pairs_hook=tuple)) for line in lines.splitlines()]


def main():
    wbsync, golden, expected_count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    cases = sorted(path for path in golden.iterdir() if path.is_dir())
    assert len(cases) == expected_count, f"{len(cases)} golden journals in {golden}, not {expected_count}"
    for case in cases:
        dumped = output(wbsync, "dump", "--all", case)
        expected = (golden / f"{case.name}.jsonl").read_text(encoding="utf-8")
        assert dumped == expected, f"{case.name}: wbsync dump differs from what was committed"
        second = output(sys.executable, HERE / "second_reader.py", case / case.name)
        for number, (ours, theirs) in enumerate(zip(parsed(dumped), parsed(second), strict=True), 1):
            assert ours == theirs, f"{case.name} line {number}:\n  wbsync        {ours}\n  second reader {theirs}"
        print(f"{case.name}: {len(expected.splitlines())} records")


if __name__ == "__main__":
    main()
