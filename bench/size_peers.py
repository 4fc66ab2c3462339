#!/usr/bin/env python3
"""Bytes a point of our journal and of what could be chosen instead, for the same rows (promise P4).

  bench/size_peers.py [--build build/release] [--rows 20000] [--smoke]
  bench/size_peers.py install                     the environment: pyarrow, pcodec, zstandard, numpy

journal_size writes and measures ours, and exports its paced rows: step, time in microseconds, ten float64. Everyone
stores all of that: JSON lines (compact, shortest digits) under zstd; Parquet with, for each column, the encoding that
is smallest under zstd; pcodec column by column, without any file around it, which favours it. Each is read back and
compared bit for bit. Prints one JSON line; an encoder that is not installed is left out.
"""
import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time

from peers.venvs import ROOT, InstallError, install, python_in
from peers.workload import KEYS

VENV, PACKAGES = "size", ("pyarrow==26.0.1", "pcodec==1.1.0", "zstandard==0.25.0", "numpy==2.4.6")
NOT_INSTALLED = 77
MIXES = ("training", "noise")
POINTS_A_ROW = len(KEYS)
INTEGERS = ("_step", "_time_us")
PARQUET_ENCODINGS = {int: ("PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "RLE_DICTIONARY"),
                     float: ("PLAIN", "BYTE_STREAM_SPLIT", "RLE_DICTIONARY")}


def load_columns(path):
    """{name: array}, the integers first."""
    import numpy
    rows = numpy.fromfile(path, dtype="<i8").reshape(-1, len(INTEGERS) + POINTS_A_ROW)
    columns = {name: rows[:, i].copy() for i, name in enumerate(INTEGERS)}
    for i, name in enumerate(KEYS):
        columns[name] = rows[:, len(INTEGERS) + i].copy().view("<f8")
    return columns


def points_different(columns, others):
    """Values whose bits are not the same."""
    import numpy
    return sum(int(numpy.count_nonzero(numpy.asarray(others[name]).view("<i8") != values.view("<i8")))
               for name, values in columns.items())


def json_lines(columns):
    names = list(columns)
    rows = zip(*(values.tolist() for values in columns.values()))
    return "\n".join(json.dumps(dict(zip(names, row)), separators=(",", ":")) for row in rows).encode()


def measure_json(columns, level):
    import numpy
    import zstandard
    data = zstandard.ZstdCompressor(level=level).compress(json_lines(columns))
    rows = [json.loads(line) for line in zstandard.ZstdDecompressor().decompress(data).split(b"\n")]
    others = {name: numpy.array([row[name] for row in rows], dtype=values.dtype) for name, values in columns.items()}
    return len(data), points_different(columns, others)


def write_parquet(table, level, encodings):
    """The file's bytes; `encodings` is {column: name}, where RLE_DICTIONARY asks for a dictionary."""
    import pyarrow.parquet
    to = io.BytesIO()
    dictionaries = [name for name, encoding in encodings.items() if encoding == "RLE_DICTIONARY"]
    others = {name: encoding for name, encoding in encodings.items() if name not in dictionaries}
    pyarrow.parquet.write_table(table, to, compression="zstd", compression_level=level, write_statistics=False,
                                store_schema=False, use_dictionary=dictionaries, column_encoding=others)
    return to.getvalue()


def column_bytes(file):
    import pyarrow.parquet
    group = pyarrow.parquet.ParquetFile(io.BytesIO(file)).metadata.row_group(0)
    return {group.column(i).path_in_schema: group.column(i).total_compressed_size for i in range(group.num_columns)}


def measure_parquet(columns, level):
    import pyarrow
    import pyarrow.parquet
    table = pyarrow.table({name: pyarrow.array(values) for name, values in columns.items()})
    kinds = {name: int if name in INTEGERS else float for name in columns}
    best = {name: (None, "PLAIN") for name in columns}
    for encoding in PARQUET_ENCODINGS[int]:
        trial = {name: encoding if encoding in PARQUET_ENCODINGS[kinds[name]] else "PLAIN" for name in columns}
        for name, size in column_bytes(write_parquet(table, level, trial)).items():
            if best[name][0] is None or size < best[name][0]:
                best[name] = (size, trial[name])
    encodings = {name: encoding for name, (_, encoding) in best.items()}
    data = write_parquet(table, level, encodings)
    read = pyarrow.parquet.read_table(io.BytesIO(data))
    others = {name: read[name].combine_chunks().to_numpy(zero_copy_only=False) for name in columns}
    return len(data), points_different(columns, others)


def measure_pcodec(columns, level):
    from pcodec import ChunkConfig, standalone
    config = ChunkConfig(compression_level=level)
    packed = {name: standalone.simple_compress(values, config) for name, values in columns.items()}
    others = {name: standalone.simple_decompress(data) for name, data in packed.items()}
    return sum(len(data) for data in packed.values()), points_different(columns, others)


MEASURES = (("json_zstd_3", measure_json, 3), ("json_zstd_19", measure_json, 19), ("parquet_zstd_3", measure_parquet, 3),
            ("parquet_zstd_19", measure_parquet, 19), ("pcodec_8", measure_pcodec, 8), ("pcodec_12", measure_pcodec, 12))


def measure_others(path):
    """{name: figures} for the rows of a file; runs in the environment."""
    columns = load_columns(path)
    points = len(columns[KEYS[0]]) * POINTS_A_ROW
    results = {}
    for name, measure, level in MEASURES:
        start = time.process_time()
        try:
            size, different = measure(columns, level)
        except ImportError:
            continue
        results[name] = {"bytes_per_point": float(f"{size / points:.4g}"), "points_different": different,
                         "cpu_s": float(f"{time.process_time() - start:.3g}")}
    return results


def measure_all(program, rows, python):
    """Ours and theirs; ValueError if a program fails."""
    with tempfile.TemporaryDirectory(prefix="wb-size-") as folder:
        ours = subprocess.run([program, "--rows", str(rows), "--export", folder], capture_output=True, text=True)
        if ours.returncode != 0:
            raise ValueError(f"{program} ended with {ours.returncode}: {ours.stdout}{ours.stderr}")
        line = json.loads(ours.stdout)
        result = {"name": "size_peers", "promise": "P4", "ratio": {}}
        for mix in MIXES:
            paths = [os.path.abspath(__file__), "--measure", f"{folder}/{mix}.rows"]
            theirs = subprocess.run([python, *paths], capture_output=True, text=True)
            if theirs.returncode != 0:
                raise ValueError(f"the measurement ended with {theirs.returncode}: {theirs.stderr[-2000:]}")
            ours_bytes = line[mix]["paced"]["bytes_per_point"]
            result[mix] = {"wb": {"bytes_per_point": ours_bytes,
                                  "points_different": line[mix]["paced"]["points_different"]},
                           **json.loads(theirs.stdout)}
            result["ratio"][mix] = {name: float(f"{other['bytes_per_point'] / ours_bytes:.4g}")
                                    for name, other in result[mix].items() if name != "wb"}
        return {**result, "points_different": line["points_different"], "drops": line["drops"],
                "parameters": {"rows": rows}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", choices=["install"])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--smoke", action="store_true", help="500 rows")
    parser.add_argument("--measure", metavar="FILE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure_others(arguments.measure)))
        return 0
    try:
        if arguments.mode == "install":
            install(VENV, PACKAGES)
            return 0
        python = python_in(VENV)
        if python is None:
            print("not installed: bench/size_peers.py install", file=sys.stderr)
            return NOT_INSTALLED
        program = os.path.join(ROOT, arguments.build, "bench/journal_size")
        print(json.dumps(measure_all(program, 500 if arguments.smoke else arguments.rows, python)))
    except (InstallError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
