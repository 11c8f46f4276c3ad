"""A second implementation of docs/protocol/, in plain Python: writes the golden files beside it and
prints the golden values that the tests of core hold. Run: python3 tests/golden/formats.py
"""

import hashlib
import json
import math
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent
SEED = "000102030405060708090a0b0c0d0e0f"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# M2: the generator


def seed_state(text):
    state = []
    for lane, factor in enumerate([0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1]):
        h = lane + 1
        for character in text:
            h = ((h ^ ord(character)) * factor) & 0xFFFFFFFF
            h ^= h >> 15
        h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
        h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
        state.append(h ^ (h >> 16))
    state[3] |= 1
    return state


def rotate(x, k):
    return ((x << k) | (x >> (32 - k))) & 0xFFFFFFFF


def draws(state):
    a, b, c, d = state
    while True:
        yield (rotate((b * 5) & 0xFFFFFFFF, 7) * 9) & 0xFFFFFFFF
        t = (b << 9) & 0xFFFFFFFF
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = rotate(d, 11)


def below(stream, n):
    if n == 1:
        return 0
    while True:
        value = next(stream) >> (32 - (n - 1).bit_length())
        if value < n:
            return value


# M1: the random mask


def random_positions(seed, count, size):
    excluded = count > size / 2
    stream = draws(seed_state(seed))
    drawn = set()
    while len(drawn) < (size - count if excluded else count):
        drawn.add(below(stream, size))
    return sorted(set(range(size)) - drawn) if excluded else sorted(drawn)


# M3, M4: positions


def rice(positions, size):
    if not positions:
        return b""
    b = 0
    while 2 ** (b + 1) * 266 * len(positions) <= 128 * (2 * size - len(positions)):
        b += 1
    bits = ""
    following = 0
    for position in positions:
        gap = position - following
        following = position + 1
        bits += "0" * (gap >> b) + "1" + (format(gap % 2**b, f"0{b}b") if b else "")
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


# T2: safetensors


def canonical_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def safetensors(tensors, metadata):
    header = {"__metadata__": metadata}
    data = b""
    for name, dtype, length, content in sorted(tensors):
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": [length], "data_offsets": offsets}
        data += content
    text = canonical_json(header)
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def little_endian(form, values):
    return struct.pack(f"<{len(values)}{form}", *values)


# Q2: 4-bit values


def half_up(value):
    return next(b for b in range(0x3C01) if struct.unpack("<e", struct.pack("<H", b))[0] >= value)


def quantise(delta, blocks):
    codes = [0] * len(delta)
    scales = []
    for block in blocks:
        scales.append(half_up(max(abs(delta[i]) for i in block) / 7))
        scale = half(scales[-1])
        for i in block if scale else []:
            codes[i] = math.floor(delta[i] / scale + 0.5)
        if not any(codes[i] for i in block):
            scales[-1] = 0
    return codes, scales


def half(bits):
    return struct.unpack("<e", struct.pack("<H", bits))[0]


def pack(codes):
    codes = codes + [0] * (len(codes) % 2)
    return bytes(low + 8 | high + 8 << 4 for low, high in zip(codes[::2], codes[1::2]))


# T13: moves


def moves(before, after):
    """The order of each block, and the codes of all."""
    ordered = [struct.unpack("<i", struct.pack("<f", value))[0] for value in [*before, *after]]
    ordered = [bits if bits >= 0 else bits ^ 0x7FFFFFFF for bits in ordered]
    far = [b - a for a, b in zip(ordered, ordered[len(before) :])]
    zigzag = [2 * move if move >= 0 else -2 * move - 1 for move in far]
    orders, bits = [], ""
    for block in [zigzag[i : i + 64] for i in range(0, len(zigzag), 64)]:
        written = ["".join(exp_golomb(value, order) for value in block) for order in range(32)]
        orders.append(min(range(32), key=lambda order: len(written[order])))
        bits += written[orders[-1]]
    bits += "0" * (-len(bits) % 8)
    return orders, bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def exp_golomb(value, order):
    binary = format(value + 2**order, "b")
    return "0" * (len(binary) - 1 - order) + binary


# P7: Fisher weights


def fisher_value(code):
    return code if code < 8 else (8 + code % 8) * 2 ** (code // 8 - 1)


def fisher_codes(weights):
    """The nearest code of each weight once the largest is fisher_value(255)."""
    scaled = [weight / max(weights) * fisher_value(255) for weight in weights]
    return [min(range(256), key=lambda code: abs(fisher_value(code) - value)) for value in scaled]


# P1: patches, of a model with tensors b [4] and w [2, 4]


def patch(name, mask, fisher=None):
    positions = [1, 4, 5, 9]
    delta = struct.unpack("<4f", struct.pack("<4f", 0.7, -0.35, 0.1, 0))
    codes, scales = quantise(delta, [[0], [1, 2, 3]])
    header = {
        "format": "commonweight.patch/1",
        "contributor": "11" * 32,
        "ticket": "22" * 16,
        "model": "digits",
        "base": "33" * 32,
        "mask": mask,
        "shards": [4, 7],
        "steps": 50,
        "examples": 3200,
        "lossBefore": 0.5,
        "lossAfter": 0.25,
        "licence": "CC0-1.0",
        "software": "commonweight/0.1.0",
        "device": "wasm",
    }
    packed = pack(codes)
    tensors = [("codes", "U8", 2, packed), ("scales", "F16", 2, little_endian("H", scales))]
    values = packed + little_endian("H", scales)
    if mask["kind"] == "own":
        gaps = rice(positions, 12)
        tensors.append(("positions", "U8", len(gaps), gaps))
        values += little_endian("I", positions)
    if fisher:
        tensors.append(("fisher", "U8", 4, bytes(fisher_codes(fisher))))
        print("fisher", fisher_codes(fisher))
    data = safetensors(tensors, {"header": canonical_json(header).decode()})
    (FOLDER / f"patch-{name}.safetensors").write_bytes(data)
    print("patch", name, codes, scales, "id", sha256(data), "values id", sha256(values))


# V6, V7: a merge of three patches under two masks, of a model with tensors b [100] and w [100, 9]


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def blocks_of(positions, bounds):
    """Indices of `positions`, 64 a block, from the first one of each tensor on."""
    blocks = []
    for start, end in zip(bounds, bounds[1:]):
        part = [i for i, position in enumerate(positions) if start <= position < end]
        blocks += [part[i : i + 64] for i in range(0, len(part), 64)]
    return blocks


def quantised(seed, positions):
    """Codes and the scale of each value of a delta made from `seed`."""
    delta = [f32((position * seed) % 17 / 100 - 0.08) for position in positions]
    blocks = blocks_of(positions, [0, 100, 1000])
    codes, bits = quantise(delta, blocks)
    scales = [0] * len(positions)
    for block, scale in zip(blocks, bits):
        for i in block:
            scales[i] = half(scale)
    return codes, scales, bits


def merged(parameters, inputs):
    """The parameters after a merge of (seed of the delta, positions, multiplier), as G1 says."""
    sums = {}
    coverage = {}
    for seed, positions, multiplier in inputs:
        codes, scales, _ = quantised(seed, positions)
        for position, code, scale in zip(positions, codes, scales):
            sums[position] = sums.get(position, 0) + multiplier * scale * code
            coverage[position] = coverage.get(position, 0) + 1
    after = list(parameters)
    for position in sums:
        step = sums[position] / (4096 * coverage[position])
        after[position] = f32(parameters[position] + 0.7 * step)
    return after


def in_four_bits(before, after, positions):
    """G21: the parameters once the step to `after` is quantised, and its codes and scales."""
    delta = [max(-7, min(f32(after[position] - before[position]), 7)) for position in positions]
    blocks = [list(range(len(delta)))[i : i + 64] for i in range(0, len(delta), 64)]
    codes, scales = quantise(delta, blocks)
    moved = list(before)
    for block, scale in zip(blocks, scales):
        for i in block:
            moved[positions[i]] = f32(before[positions[i]] + half(scale) * codes[i])
    return moved, codes, scales


def fisher_weights(codes):
    """G15: the weight of each value, with mean 1."""
    total = sum(codes.count(code) * fisher_value(code) for code in range(256))
    return [f32(fisher_value(code) * (len(codes) / total)) for code in codes]


def merged_by_fisher(parameters, inputs):
    """As `merged`, by G15; a value has Fisher code (position · seed) % 256, the last patch none."""
    patches = []
    for seed, positions, multiplier in inputs:
        codes, scales, bits = quantised(seed, positions)
        fisher = [position * seed % 256 for position in positions]
        if seed == inputs[-1][0]:
            fisher = []
        patches.append((positions, codes, bits, fisher, multiplier, scales))
    terms = {}
    weights = {}
    for positions, codes, _, fisher, multiplier, scales in sorted(patches):
        own = fisher_weights(fisher) if fisher else [1] * len(positions)
        for position, code, scale, weight in zip(positions, codes, scales, own):
            term = multiplier * scale * code
            terms.setdefault(position, []).append((term, weight * term))
            weights.setdefault(position, []).append(weight)
    after = list(parameters)
    for position in terms:
        divisor = in_order(weights[position])
        if divisor == 0:
            mean = in_order([term for term, _ in terms[position]]) / len(terms[position])
        else:
            mean = in_order([weighted for _, weighted in terms[position]]) / divisor
        after[position] = f32(parameters[position] + 0.7 * (mean / 4096))
    return after


def in_order(values):
    """The sum in f64, one after the other; Python's own carries what is rounded off."""
    total = 0.0
    for value in values:
        total += value
    return total


def checkpoint_id(parameters):
    manifest = {
        "format": "commonweight.checkpoint/1",
        "tensors": [{"name": "b", "shape": [100]}, {"name": "w", "shape": [100, 9]}],
        "chunkBytes": 1 << 20,
        "chunks": [sha256(little_endian("f", parameters))],
    }
    return sha256(canonical_json(manifest))


def merge():
    current = random_positions("00" * 16, 200, 1000)
    earlier = random_positions("01" * 16, 200, 1000)
    base = [f32(i / 1000) for i in range(1000)]
    first = merged(base, [(3, current, 4096), (5, current, 1000), (7, earlier, 2048)])
    print("merged checkpoint", checkpoint_id(first))
    inputs = [(3, current, 4096), (5, current, 1000), (13, current, 3000), (7, earlier, 2048)]
    print("fisher checkpoint", checkpoint_id(merged_by_fisher(base, inputs)))
    moved, _, _ = in_four_bits(base, first, sorted({*current, *earlier}))
    print("merged checkpoint in four bits", checkpoint_id(moved))
    # V7: another merge on top, then the second patch of the first one is reverted
    struck = merged(base, [(3, current, 4096), (5, current, 0), (7, earlier, 2048)])
    print("reverted checkpoint", checkpoint_id(merged(struck, [(11, earlier, 3000)])))


# V1: a version's id


def version():
    record = {
        "format": "commonweight.version/1",
        "model": "digits",
        "number": 0,
        "parent": None,
        "createdAt": 1_700_000_000_000,
        "relayKey": "11" * 32,
        "checkpoint": "22" * 32,
        "mask": {"kind": "random", "seed": "33" * 16, "count": 10},
        "merge": None,
        "evaluation": {
            "report": {"examples": 100, "lossNats": 0.5, "accuracy": 0.875},
            "gate": None,
        },
    }
    print("version", sha256(canonical_json(record)))
    record |= {
        "number": 1,
        "parent": "aa" * 32,
        "revert": {"contributions": ["aa" * 32, "bb" * 32]},
    }
    record["evaluation"]["gate"] = {
        "decision": "pass",
        "examples": 50,
        "meanDifferenceNats": -0.25,
        "evaluations": 1,
    }
    print("version that reverts", sha256(canonical_json(record)))


def main():
    for seed in ["commonweight", "", "42"]:
        stream = draws(seed_state(seed))
        print("draws", repr(seed), [next(stream) for _ in range(6)])
    stream = draws(seed_state("42"))
    print("draws below 10", [below(stream, 10) for _ in range(16)])

    for count, size in [(8, 1000), (5, 10), (7, 10)]:
        print("mask", count, size, random_positions(SEED, count, size))
    print("mask", 6200, sha256(little_endian("I", random_positions(SEED, 6200, 1_240_000))))
    large = random_positions(SEED, 620_000, 124_000_000)
    print("mask", 620_000, large[0], large[-1])
    largest = 2**31 - 1
    lists = [(random_positions(SEED, 8, 1000), 1000), (list(range(10)), 10)]
    for positions, size in [*lists, ([largest - 1], largest), ([0], largest)]:
        print("positions", positions, size, rice(positions, size).hex())

    patch("random", {"kind": "random", "seed": SEED, "count": 4})
    patch("own", {"kind": "own", "count": 4})
    patch("fisher", {"kind": "own", "count": 4}, fisher=[3e-4, 7e-8, 0, 2.5e-3])
    print("fisher values", [fisher_value(code) for code in [0, 1, 7, 8, 15, 16, 17, 128, 254, 255]])

    gaps = rice([3, 5, 900], 1000)
    step = safetensors(
        [
            ("positions", "U8", len(gaps), gaps),
            ("values", "F32", 3, little_endian("f", [0.5, -1, 2])),
        ],
        {"format": "commonweight.delta-step/1", "count": "3", "size": "1000"},
    )
    (FOLDER / "delta-step.safetensors").write_bytes(step)
    before = [0.25] * 1000
    after = list(before)
    for position, value in zip([3, 5, 900], [0.5, -1, 2]):
        after[position] = value
    _, codes, scales = in_four_bits(before, after, [3, 5, 900])
    step = safetensors(
        [
            ("positions", "U8", len(gaps), gaps),
            ("codes", "U8", 2, pack(codes)),
            ("scales", "F16", 1, little_endian("H", scales)),
        ],
        {"format": "commonweight.delta-step/2", "count": "3", "size": "1000"},
    )
    (FOLDER / "delta-step-quantised.safetensors").write_bytes(step)
    masks = [(SEED, 8), ("ff" * 16, 9)]
    positions = sorted({at for seed, count in masks for at in random_positions(seed, count, 1000)})
    for place, position in enumerate(positions):
        after[position] = f32(0.25 + (place - 8) / 16)
    _, codes, scales = in_four_bits(before, after, positions)
    step = safetensors(
        [
            ("codes", "U8", len(pack(codes)), pack(codes)),
            ("scales", "F16", 1, little_endian("H", scales)),
        ],
        {
            "format": "commonweight.delta-step/3",
            "masks": ",".join(f"{seed}:{count}" for seed, count in masks),
            "count": str(len(positions)),
            "size": "1000",
        },
    )
    (FOLDER / "delta-step-masked.safetensors").write_bytes(step)
    orders, codes = moves([0.25] * len(positions), [after[position] for position in positions])
    step = safetensors(
        [
            ("codes", "U8", len(codes), codes),
            ("orders", "U8", len(orders), bytes(orders)),
        ],
        {
            "format": "commonweight.difference/1",
            "masks": ",".join(f"{seed}:{count}" for seed, count in masks),
            "count": str(len(positions)),
            "size": "1000",
        },
    )
    (FOLDER / "difference.safetensors").write_bytes(step)

    manifest = {
        "format": "commonweight.checkpoint/1",
        "tensors": [{"name": "b", "shape": [2]}, {"name": "w", "shape": [2, 2]}],
        "chunkBytes": 1 << 20,
        "chunks": [sha256(little_endian("f", [0, 1, 2, 3, 4, 5]))],
    }
    print("checkpoint", sha256(canonical_json(manifest)))
    # T12: the same values as bf16, the upper half of f32; others, of which not all are, as f16
    for dtype, values in [("BF16", [0, 1, 2, 3, 4, 5]), ("F16", [0, 1, 2**-24, 1 + 2**-10, -65504, 5])]:
        code = "e" if dtype == "F16" else "H"
        upper = [struct.unpack("<I", struct.pack("<f", value))[0] >> 16 for value in values]
        chunk = little_endian(code, values if dtype == "F16" else upper)
        narrow = {
            "format": "commonweight.checkpoint/2",
            "tensors": manifest["tensors"],
            "chunkValues": 1 << 18,
            "chunks": [{"dtype": dtype, "sha256": sha256(chunk)}],
        }
        print("narrow chunk", dtype, chunk.hex(), sha256(canonical_json(narrow)))
    for parent in [bytes(32), b"\xaa" * 32]:
        print("mask seed", sha256(b"commonweight/mask/1\0" + parent)[:32])
    merge()
    version()


if __name__ == "__main__":
    main()
