"""Reads journals by what schema/FORMAT.md says and nothing else, and prints what `wbsync dump --all` prints.

usage: second_reader.py RUN_DIRECTORY. Needs the package zstandard. Damage ends it with an error: golden files have none.
"""
import json
import pathlib
import re
import sqlite3
import struct
import sys

import zstandard

KINDS = {1: "run", 2: "key", 3: "row", 4: "config", 5: "summary", 6: "metric", 7: "finish", 8: "console", 9: "stats", 10: "chunk", 11: "file",
         12: "artifact", 13: "alert", 14: "mark", 15: "exception", 64: "gap", 65: "heartbeat", 66: "death", 67: "tail_end", 68: "signal",
         69: "snapshot", 70: "key_snapshot"}
FLOAT64, INT64, UINT64, BOOL, STRING, JSON, NULL, REMOVED = range(8)


def make_crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = make_crc_table()


def crc32c(crc, data):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Frame:
    def __init__(self, kind, flags, sequence, payload):
        self.kind, self.flags, self.keeper, self.sequence, self.payload = kind, flags & 0x7F, flags >= 0x80, sequence, payload


def read_tail(path):
    data = path.read_bytes()
    magic, version, head_bytes, _, incompatible = struct.unpack_from("<8sHHII", data)
    assert magic == b"wbtail0\n" and version in (0, 1) and head_bytes == 64 and incompatible == 0
    assert struct.unpack_from("<I", data, 60)[0] == crc32c(0, data[:60])
    salt = struct.unpack_from("<I", data, 24)[0]
    at = 64
    while at + 24 <= len(data):
        length, crc, sequence, frame_magic, kind, flags, _ = struct.unpack_from("<IIQHBBI", data, at)
        if frame_magic != 0xF7B1 or at + 24 + length > len(data):
            return  # Cut off here.
        assert crc == crc32c(crc32c(salt, data[at + 8:at + 24 + length]), data[at:at + 4])
        yield Frame(kind, flags, sequence, data[at + 24:at + 24 + length])
        at += (24 + length + 7) & ~7


def row_hash(salt, table, columns):
    crc = salt
    for value in [table, *columns]:
        if isinstance(value, int):
            crc = crc32c(crc, b"i" + struct.pack("<Q", value & 0xFFFFFFFFFFFFFFFF))
        else:
            raw = value.encode() if isinstance(value, str) else value
            crc = crc32c(crc, (b"t" if isinstance(value, str) else b"b") + struct.pack("<Q", len(raw)) + raw)
    return crc


def read_segment(path):
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    assert database.execute("PRAGMA application_id").fetchone() == (0x77626A30,)
    meta = database.execute("SELECT key,value,hash FROM meta ORDER BY key").fetchall()
    values = {key: value for key, value, _ in meta}
    assert values["format_version"] in (0, 1) and values["incompatible_flags"] == 0
    salt = struct.unpack_from("<I", values["journal"])[0]
    content = salt
    tables = {"meta": [(row[:2], row[2]) for row in meta]}
    tables["keys"] = [(row[:2], row[2]) for row in database.execute("SELECT id,name,hash FROM keys ORDER BY id")]
    tables["gaps"] = [(row[:4], row[4]) for row in database.execute("SELECT id,source,first,last,hash FROM gaps ORDER BY id")]
    tables["blocks"] = [(row[:11], row[11]) for row in database.execute(
        "SELECT id,kind,records,first_ordinal,last_ordinal,first,last,first_keeper,last_keeper,raw_bytes,data,hash FROM blocks ORDER BY id")]
    for table in ("meta", "keys", "gaps", "blocks"):
        for columns, stored in tables[table]:
            assert stored == row_hash(salt, table, columns), (table, columns[0])
            content = crc32c(content, struct.pack("<I", stored))
    seal = database.execute("SELECT id,blocks,records,keys,gaps,first,last,first_keeper,last_keeper,content,hash FROM seal").fetchall()
    assert len(seal) == 1 and seal[0][10] == row_hash(salt, "seal", seal[0][:10]) and seal[0][9] == content
    assert seal[0][1] == len(tables["blocks"]) and seal[0][3] == len(tables["keys"]) and seal[0][4] == len(tables["gaps"])
    placed = []
    for columns, _ in tables["blocks"]:
        raw = zstandard.ZstdDecompressor().decompress(columns[10])
        assert len(raw) == columns[9]
        placed += {1: rows_block, 2: verbatim_block, 3: mixed_block}[columns[1]](raw)
    placed.sort(key=lambda pair: pair[0])
    assert [ordinal for ordinal, _ in placed] == list(range(seal[0][2]))
    return [frame for _, frame in placed]


def verbatim_block(raw):
    at = 0
    while at < len(raw):
        ordinal, sequence, length, kind, flags = struct.unpack_from("<QQIBB", raw, at)
        yield ordinal, Frame(kind, flags, sequence, raw[at + 24:at + 24 + length])
        at += 24 + length


def unzigzag(code):
    return (code >> 1) ^ -(code & 1)


MASK = 0xFFFFFFFFFFFFFFFF


def signed(bits, width=64):
    return bits - (1 << width) if bits >> (width - 1) else bits


def from_order(bits, width):
    """The bits of a float from the integer that has the order of the numbers."""
    return bits ^ (MASK >> (65 - width)) if bits >> (width - 1) else bits


def float32_bits(bits):
    """The bits of the float64 that a float32 is, without the arithmetic that would change a NaN."""
    sign, exponent, mantissa = bits >> 31, bits >> 23 & 0xFF, bits & 0x7FFFFF
    if exponent == 0xFF:
        return sign << 63 | 0x7FF << 52 | mantissa << 29
    return struct.unpack("<Q", struct.pack("<d", struct.unpack("<f", struct.pack("<I", bits))[0]))[0]


def numbers(codec, data, count):
    order, width, exception_count, base = struct.unpack_from("<BBHQ", data)
    at, scale = 12, 1
    if codec in (7, 10):
        scale, at = struct.unpack_from("<Q", data, at)[0], at + 8
    firsts = struct.unpack_from(f"<{order}Q", data, at)
    at += 8 * order
    rows = struct.unpack_from(f"<{exception_count}H", data, at)
    at += 2 * exception_count
    exceptions = struct.unpack_from(f"<{exception_count}Q", data, at)
    at += 8 * exception_count
    left = count - order
    assert at + width * left == len(data)
    values = [base + int.from_bytes(data[at + i:at + width * left:left], "little") & MASK for i in range(left)]
    for first in reversed(firsts):
        sums = [first]
        for difference in values:
            sums.append(sums[-1] + difference & MASK)
        values = sums
    if codec == 7:
        values = [value * scale & MASK for value in values]
    elif codec == 8:
        values = [from_order(value, 64) for value in values]
    elif codec == 9:
        values = [float32_bits(from_order(value & 0xFFFFFFFF, 32)) for value in values]
    else:
        values = [struct.unpack("<Q", struct.pack("<d", float(signed(value)) / scale))[0] for value in values]
    for row, value in zip(rows, exceptions):
        values[row] = value
    return values


def column(raw, at, count):
    codec, size = struct.unpack_from("<BI", raw, at)
    data = raw[at + 5:at + 5 + size]
    if codec == 1:
        values = list(struct.unpack("<Q", data)) * count
    elif codec == 4:
        values = list(data)
    elif codec == 5:
        lengths = struct.unpack_from(f"<{count}I", data)
        values, start = [], 4 * count
        for length in lengths:
            values.append(data[start:start + length])
            start += length
    elif codec == 6:
        entry_count = struct.unpack_from("<H", data)[0]
        entries = struct.unpack_from(f"<{entry_count}Q", data, 2)
        values = [entries[index] for index in data[2 + 8 * entry_count:]]
        assert len(values) == count
    elif codec >= 7:
        assert codec <= 10
        values = numbers(codec, data, count)
    elif codec == 0:
        values = list(struct.unpack(f"<{count}Q", data))
    else:
        values = [int.from_bytes(bytes(data[plane * count + i] for plane in range(8)), "little") for i in range(count)]
        if codec == 3:
            before = 0
            for i, code in enumerate(values):
                values[i] = before = (before + unzigzag(code)) & 0xFFFFFFFFFFFFFFFF
    return values, at + 5 + size


def rows_block(raw):
    count, key_count = struct.unpack_from("<II", raw)
    words = struct.unpack_from(f"<{key_count}I", raw, 8)
    at = 8 + 4 * key_count
    columns = []
    for _ in range(6 + key_count):
        values, at = column(raw, at, count)
        columns.append(values)
    assert at == len(raw)
    ordinals, leads, flags, steps, monos, offsets = columns[:6]
    for i in range(count):
        places, texts = [], b""
        for word, values in zip(words, columns[6:]):
            if word >> 28 in (STRING, JSON):
                places.append(len(texts) | len(values[i]) << 32)
                texts += values[i]
            else:
                places.append(values[i])
        payload = struct.pack("<QQQII", steps[i], monos[i], offsets[i], key_count, len(texts))
        payload += struct.pack(f"<{key_count}Q", *places) + struct.pack(f"<{key_count}I", *words) + texts
        yield ordinals[i], Frame(3, flags[i], (ordinals[i] + leads[i]) & 0xFFFFFFFFFFFFFFFF, payload)


def mixed_block(raw):
    count, key_count, metric_count, column_count = struct.unpack_from("<IIII", raw)
    words = struct.unpack_from(f"<{key_count}I", raw, 16)
    sizes = struct.unpack_from(f"<{column_count}H", raw, 16 + 4 * key_count)
    at = 16 + 4 * key_count + 2 * column_count
    columns = []
    for _ in range(7):
        values, at = column(raw, at, count)
        columns.append(values)
    low, high = raw[at:at + metric_count], raw[at + metric_count:at + 2 * metric_count]
    at += 2 * metric_count
    values = []
    for size in sizes:
        more, at = column(raw, at, size)
        values += more
    assert at == len(raw) and len(values) == metric_count == sum(columns[6])
    rows, metric = [], 0
    for row in range(count):
        key, keys = 0, []
        for _ in range(columns[6][row]):
            key = (key + low[metric] + 256 * high[metric]) & 0xFFFF
            keys.append(key)
            metric += 1
        rows.append(keys)
    values = iter(values)
    bits = [[None] * len(keys) for keys in rows]
    for key in range(key_count):
        for row, keys in enumerate(rows):
            for i in (i for i, other in enumerate(keys) if other == key):
                bits[row][i] = next(values)
    for i, keys in enumerate(rows):
        payload = struct.pack("<QQQII", columns[3][i], columns[4][i], columns[5][i], len(keys), 0)
        payload += struct.pack(f"<{len(keys)}Q", *bits[i]) + struct.pack(f"<{len(keys)}I", *(words[key] for key in keys))
        yield columns[0][i], Frame(3, columns[2][i], (columns[0][i] + columns[1][i]) & MASK, payload)


def scalar(kind, bits, text):
    if kind == FLOAT64:
        return struct.unpack("<d", struct.pack("<Q", bits))[0]
    if kind == INT64:
        return bits - (1 << 64) if bits >> 63 else bits
    if kind == UINT64:
        return bits
    if kind == BOOL:
        return bits != 0
    if kind == STRING:
        return text.decode("utf-8", "replace")
    return json.loads(text) if kind == JSON else None


def decode_map(payload):
    count, at, entries = struct.unpack_from("<I", payload)[0], 4, {}
    for _ in range(count):
        name_bytes, kind, bits = struct.unpack_from("<IIQ", payload, at)
        name, text = payload[at + 16:at + 16 + name_bytes], b""
        at += 16 + name_bytes
        if kind in (STRING, JSON):
            text = payload[at:at + bits]
            at += bits
        entries[name.decode("utf-8", "replace")] = scalar(kind, bits, text)
    assert at == len(payload)
    return entries


def decode_row(payload, keys):
    step, mono, offset, count, _ = struct.unpack_from("<qqqII", payload)
    bits = struct.unpack_from(f"<{count}Q", payload, 32)
    words = struct.unpack_from(f"<{count}I", payload, 32 + 8 * count)
    texts = payload[32 + 12 * count:]
    data = {}
    for place, word in zip(bits, words):
        text = texts[place & 0xFFFFFFFF:(place & 0xFFFFFFFF) + (place >> 32)]
        data[keys[word & 0xFFFFFFF]] = scalar(word >> 28, place, text)
    return step, (mono, offset), data


def seconds(time):
    wall_us = abs(time[0]) // 1000 * (1 if time[0] >= 0 else -1)
    return (wall_us + time[1]) / 1e6


def describe(frame, keys):
    """(step, time, data) of a record."""
    payload = frame.payload
    if frame.kind == 3:
        return decode_row(payload, keys)
    if frame.kind in (2, 70):
        return None, None, {"index": struct.unpack_from("<I", payload)[0], "name": payload[4:].decode("utf-8", "replace")}
    if frame.kind == 7:
        exit_code, _, mono, offset = struct.unpack("<iIqq", payload)
        return None, (mono, offset), {"exit_code": exit_code}
    if frame.kind == 65:
        mono, offset, written = struct.unpack("<qqQ", payload)
        return None, (mono, offset), {"written_sequence": written}
    if frame.kind == 67:
        return None, None, {"final": struct.unpack("<II", payload)[0] == 1}
    data = decode_map(payload)
    time = (data["mono_ns"], data["wall_offset_us"]) if "mono_ns" in data and "wall_offset_us" in data else None
    return None, time, data


def read_journal(directory):
    files = {}
    for path in directory.iterdir():
        match = re.fullmatch(r".+\.(\d{3,})\.(tail|wbj)", path.name)
        if match:
            files.setdefault(int(match[1]), {})[match[2]] = path
    frames, last = [], {True: 0, False: 0}
    for number in sorted(files):
        found = files[number]
        for frame in read_segment(found["wbj"]) if "wbj" in found else read_tail(found["tail"]):
            if frame.sequence > last[frame.keeper]:
                last[frame.keeper] = frame.sequence
                frames.append(frame)
    return frames


def main():
    for directory in map(pathlib.Path, sys.argv[1:]):
        frames = read_journal(directory)
        keys = {}
        for frame in frames:
            if frame.kind in (2, 70):
                keys.setdefault(struct.unpack_from("<I", frame.payload)[0], frame.payload[4:].decode("utf-8", "replace"))
        run = next(decode_map(frame.payload) for frame in frames if frame.kind in (1, 69))
        for frame in frames:
            step, time, data = describe(frame, keys)
            print(json.dumps({"run": run["run_id"], "rank": run["rank"], "attempt": run["attempt"],
                              "source": "keeper" if frame.keeper else "trainer", "seq": frame.sequence,
                              "time": None if time is None else seconds(time), "step": step,
                              "kind": KINDS.get(frame.kind, f"kind{frame.kind}"), "flags": frame.flags, "data": data}))


if __name__ == "__main__":
    main()
