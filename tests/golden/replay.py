"""A second implementation of docs/protocol/, V and G: replays a whole history from its public bytes.
Run: python3 tests/golden/replay.py FOLDER, a folder of `commonweight clone`. Prints each version's checkpoint, and ends with
exit code 1 at the first thing that does not hold. Needs the package cryptography; the arithmetic is plain Python.
"""

import json
import math
import pathlib
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from formats import (
    blocks_of,
    canonical_json,
    f32,
    fisher_weights,
    half,
    in_four_bits,
    in_order,
    little_endian,
    random_positions,
    sha256,
)


class Broken(Exception):
    pass


def expect(holds, message):
    if not holds:
        raise Broken(message)


# S1


def expect_signature(purpose, identity, signature, key):
    signed = f"commonweight/{purpose}/1".encode() + b"\0" + bytes.fromhex(identity)
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), signed)
    except InvalidSignature:
        raise Broken(f"{purpose} {identity} is not signed by {key}")


# T1


def tensors_of(data):
    """The tensors of a safetensors file as bytes by name, and its metadata."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    start = 8 + length
    return {
        name: data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]]
        for name, entry in header.items()
    }, metadata


# M3, M4


def positions_of(data, count, size):
    b = 0
    while 2 ** (b + 1) * 266 * count <= 128 * (2 * size - count):
        b += 1
    bits = "".join(format(byte, "08b") for byte in data)
    positions = []
    at = following = 0
    for _ in range(count):
        quotient = bits.index("1", at) - at
        at += quotient + 1
        low = int(bits[at : at + b], 2) if b else 0
        at += b
        following += (quotient << b) + low + 1
        positions.append(following - 1)
    return positions


# Q4


def codes_of(data, count):
    halves = [part for byte in data for part in (byte & 15, byte >> 4)]
    return [value - 8 for value in halves[:count]]


# T12


def values_of(dtype, data):
    """The values of a chunk: f32, its upper half, or a half."""
    if dtype == "BF16":
        data = b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data), 2))
    code, size = ("e", 2) if dtype == "F16" else ("f", 4)
    return list(struct.unpack(f"<{len(data) // size}{code}", data))


class History:
    """The folder, and what has been read of it."""

    def __init__(self, folder):
        self.folder = folder
        record = json.loads((folder / "record.json").read_text())
        self.head = record["head"]
        self.manifest_blob = record.get("base")
        self.ids = []
        self.records = []
        self.patches = {}

    def blob(self, identity):
        data = (self.folder / "blobs" / identity).read_bytes()
        expect(sha256(data) == identity, f"blob {identity} is damaged")
        return data

    # V1 to V5, V7

    def read(self, number):
        data = (self.folder / "versions" / f"{number}.json").read_bytes()
        signed = json.loads(data)
        record = signed["record"]
        identity = sha256(data[len(b'{"record":') : data.rindex(b',"signature":')])
        key = self.records[0]["relayKey"] if self.records else record["relayKey"]
        expect(record["relayKey"] == key, f"version {number} has another key")
        expect_signature("version", identity, signed["signature"], key)
        expect(record["number"] == number, f"version {number} has another number")
        parent = self.ids[-1] if self.ids else None
        expect(record["parent"] == parent, f"version {number} has another parent")
        merge = record["merge"]
        ids = [one["contribution"] for one in merge["inputs"]] if merge else []
        expect(ids == sorted(set(ids)), f"version {number}: inputs out of order")
        for one in merge["inputs"] if merge else []:
            expect(one["base"] < number, f"version {number}: an input from the future")
            expect_signature("contribution", one["contribution"], one["signature"], one["contributor"])
        self.ids.append(identity)
        self.records.append(record)
        return record

    # T4, T12

    def base(self):
        manifest = json.loads(self.blob(self.manifest_blob or self.records[0]["checkpoint"]))
        self.tensors = manifest["tensors"]
        self.bounds = [0]
        for tensor in self.tensors:
            self.bounds.append(self.bounds[-1] + math.prod(tensor["shape"]))
        if manifest["format"] == "commonweight.checkpoint/1":
            chunks = [("F32", chunk) for chunk in manifest["chunks"]]
        else:
            chunks = [(chunk["dtype"], chunk["sha256"]) for chunk in manifest["chunks"]]
        return [value for dtype, chunk in chunks for value in values_of(dtype, self.blob(chunk))]

    def checkpoint(self, parameters):
        data = little_endian("f", parameters)
        size = 1 << 20
        chunks = [sha256(data[at : at + size]) for at in range(0, len(data), size)]
        manifest = {
            "format": "commonweight.checkpoint/1",
            "tensors": self.tensors,
            "chunkBytes": size,
            "chunks": chunks,
        }
        return sha256(canonical_json(manifest))

    # P1, V8

    def patch(self, one):
        identity = one["contribution"]
        if identity in self.patches:
            return self.patches[identity]
        tensors, metadata = tensors_of(self.blob(identity))
        header = json.loads(metadata["header"])
        mask = self.records[one["base"]]["mask"]
        expect(header["contributor"] == one["contributor"], f"{identity}: another contributor")
        expect(header["model"] == self.records[0]["model"], f"{identity}: another model")
        expect(header["base"] == self.ids[one["base"]], f"{identity}: another base")
        size = self.bounds[-1]
        count = header["mask"]["count"]
        if mask["kind"] == "own":
            expect(count <= mask["count"], f"{identity}: too many positions")
            positions = positions_of(tensors["positions"], count, size)
        else:
            expect(header["mask"] == mask, f"{identity}: another mask")
            if mask["kind"] == "random":
                positions = random_positions(mask["seed"], count, size)
            else:
                positions = positions_of(self.blob(mask["positions"]), count, size)
        codes = codes_of(tensors["codes"], count)
        bits = struct.unpack(f"<{len(tensors['scales']) // 2}H", tensors["scales"])
        scales = [0.0] * count
        for block, scale in zip(blocks_of(positions, self.bounds), bits):
            for i in block:
                scales[i] = half(scale)
        fisher = list(tensors.get("fisher", b""))
        self.patches[identity] = (positions, codes, list(bits), fisher, scales)
        return self.patches[identity]

    # G1, G11 to G15, G21

    def merged(self, parameters, merge, struck):
        patches = []
        for one in merge["inputs"]:
            multiplier = 0 if one["contribution"] in struck else one["multiplier"]
            positions, codes, bits, fisher, scales = self.patch(one)
            patches.append((positions, codes, bits, fisher, multiplier, scales))
        terms = {}
        for positions, codes, _, fisher, multiplier, scales in sorted(patches):
            weights = fisher_weights(fisher) if any(fisher) else [0 if fisher else 1] * len(positions)
            for position, code, scale, weight in zip(positions, codes, scales, weights):
                terms.setdefault(position, []).append((multiplier * scale * code, weight))
        after = list(parameters)
        for position, pairs in terms.items():
            step = combined(merge["rule"], pairs)
            after[position] = f32(parameters[position] + merge["outerStep"] * step)
        if merge.get("step") == "4-bit":
            return in_four_bits(parameters, after, sorted(terms))[0]
        return after

    # V6, V7

    def replay(self, base, number):
        """The parameters of version `number`, from version 0's."""
        records = self.records[1 : number + 1]
        struck = {one for record in records for one in record.get("revert", {}).get("contributions", [])}
        parameters = base
        for record in records:
            if record["merge"]:
                parameters = self.merged(parameters, record["merge"], struck)
        return parameters


def combined(rule, pairs):
    """What a rule makes of the (term, Fisher weight) of every patch at a position: a step of the parameter."""
    values = sorted(term for term, _ in pairs)
    n = len(values)
    if rule == "mean":
        return sum(values) / (4096 * n)
    if rule == "disjoint-mean":
        counted = [value for value in values if value != 0]
        return (sum(counted) / len(counted) if counted else 0) / 4096
    if rule == "ties":
        total = sum(values)
        counted = [value for value in values if value * total > 0]
        return (sum(counted) / len(counted) if counted else 0) / 4096
    if rule == "trimmed-mean":
        counted = values[n // 4 : n - n // 4]
        return sum(counted) / len(counted) / 4096
    if rule == "median":
        return (values[(n - 1) // 2] + values[n // 2]) / 2 / 4096
    divisor = in_order([weight for _, weight in pairs])
    if divisor == 0:
        return in_order([term for term, _ in pairs]) / n / 4096
    return in_order([weight * term for term, weight in pairs]) / divisor / 4096


def main():
    history = History(pathlib.Path(sys.argv[1]))
    parameters = []
    for number in range(history.head + 1):
        record = history.read(number)
        if number == 0:
            base = parameters = history.base()
        elif record["merge"]:
            parameters = history.merged(parameters, record["merge"], set())
        else:
            parameters = history.replay(base, number)
        found = history.checkpoint(parameters)
        expect(found == record["checkpoint"], f"version {number} leads to checkpoint {found}")
        print(number, found)


if __name__ == "__main__":
    try:
        main()
    except (Broken, OSError) as error:
        sys.exit(str(error))
