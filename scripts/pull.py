"""Brings a version of a community model into a safetensors file: the reference for readers, by docs/protocol/ alone.
Run: python3 scripts/pull.py URL MODEL[@VERSION] FILE. Needs numpy and cryptography. From the version that FILE holds it
loads delta steps, or one difference for four of them and more. FILE changes when all of it has been verified; the relay's key is kept in FILE.pin.
"""

import hashlib, json, math, pathlib, sys, urllib.error, urllib.request

import numpy
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MOST_BYTES = 64 << 20  # of one answer

def expect(holds, message):
    if not holds:
        sys.exit(message)

def get(url, may_fail=False):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            data = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        return None if may_fail else sys.exit(json.loads(error.read())["error"]["message"])
    expect(len(data) <= MOST_BYTES, f"{url} answers with more than {MOST_BYTES} bytes")
    return data

def sha256(data):
    return hashlib.sha256(data).hexdigest()

def canonical(value):  # of names, whole numbers and hashes: RFC 8785's other rules do not come up
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

def blob(relay, identity):
    data = get(f"{relay}/blobs/{identity}")
    expect(sha256(data) == identity, f"blob {identity} is damaged")
    return data

def version(home, model, name, pin):
    """V1, V4, V10: a version's record, with its id. What is hashed is the record as it is served."""
    data = get(f"{home}/versions/{name}")
    text = data[len(b'{"record":') : data.rindex(b',"signature":')]
    record = json.loads(text) | {"id": sha256(text)}
    key = pin.setdefault("relayKey", record["relayKey"])
    expect(record["relayKey"] == key, f"version {name} is signed by {record['relayKey']}, not {key}")
    expect(record["model"] == model, f"this is the history of {record['model']}")
    signed, signature = b"commonweight/version/1\0" + bytes.fromhex(record["id"]), json.loads(data)["signature"]
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), signed)
    except InvalidSignature:
        sys.exit(f"version {name} is not signed by {key}")
    return record

def tensors(data):
    """T1: a safetensors file's header without its metadata, the metadata, and the data."""
    length = int.from_bytes(data[:8], "little")
    expect(length < 1 << 20 and 8 + length <= len(data), "this is no safetensors file")
    header = json.loads(data[8 : 8 + length])
    return header, header.pop("__metadata__", {}), data[8 + length :]

def positions(data, count, size):
    """M3, M4: strictly ascending positions from their gaps."""
    b = max(0, (128 * (2 * size - count) // (266 * max(1, count))).bit_length() - 1)
    bits, at, gaps = "".join(format(byte, "08b") for byte in data), 0, []
    for _ in range(count):
        one = bits.index("1", at)
        gaps.append((one - at << b) + int(bits[one + 1 : one + 1 + b] or "0", 2))
        at = one + 1 + b
    expect(sum(gaps) + count <= size, "a position past the model")
    return numpy.cumsum(numpy.array(gaps, dtype=numpy.int64) + 1) - 1

def draws(seed, size):
    """M2: numbers below size, without end."""
    most, lanes = 2**32 - 1, numpy.array([1, 2, 3, 4], dtype="u4")
    for unit in seed.encode():
        lanes = (lanes ^ unit) * numpy.array([0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1], dtype="u4")
        lanes ^= lanes >> 15
    lanes = (lanes ^ lanes >> 16) * numpy.uint32(0x85EBCA6B)
    lanes = (lanes ^ lanes >> 13) * numpy.uint32(0xC2B2AE35)
    a, b, c, d = (lanes ^ lanes >> 16 | numpy.array([0, 0, 0, 1], dtype="u4")).tolist()
    while True:
        x, t = b * 5 & most, b << 9 & most
        value = ((x << 7 | x >> 25) * 9 & most) >> 32 - (size - 1).bit_length()
        if value < size:
            yield value
        c, d = c ^ a, d ^ b
        a, b, c, d = a ^ d, b ^ c, c ^ t, (d << 11 | d >> 21) & most

def masked(names, most, size):
    """T5, M1: the positions that random masks have together."""
    found = set()
    for seed, digits in (name.split(":") for name in names.split(",")):
        count, drawn, stream = int(digits), set(), draws(seed, size)
        expect(count <= most, "a mask of more positions than the step")
        while len(drawn) < min(count, size - count):
            drawn.add(next(stream))
        found |= drawn if 2 * count <= size else set(range(size)) - drawn
    return numpy.array(sorted(found))

def in_order(bits):
    """T13: the bits of f32 as integers in the order of the values, and back."""
    return bits ^ (bits >> 31 & 0x7FFFFFFF)

def moved(before, orders, data):
    """T13: the values that lie so many f32 further, by blocks of 64."""
    bits, at, moves = "".join(format(byte, "08b") for byte in data), 0, []
    for i in range(len(before)):
        one, order = bits.index("1", at), orders[i // 64]
        at = 2 * one - at + order + 1
        zigzag = int(bits[one:at], 2) - 2**order
        moves.append(zigzag >> 1 ^ -(zigzag & 1))
    return in_order((in_order(before.view("<i4")) + numpy.array(moves)).astype("<i4")).view("<f4")

def apply_step(parameters, data):
    """T5, T13, G21: change the parameters in place by a delta step or a difference."""
    header, metadata, body = tensors(data)
    part = {name: body[slice(*entry["data_offsets"])] for name, entry in header.items()}
    count, size, names = int(metadata["count"]), int(metadata["size"]), metadata.get("masks")
    expect(size == len(parameters), "a delta step of another model")
    at = masked(names, count, size) if names else positions(part["positions"], count, size)
    if "values" in part:
        parameters[at] = numpy.frombuffer(part["values"], "<f4")
    elif "orders" in part:
        parameters[at] = moved(parameters[at], part["orders"], part["codes"])
    else:
        pairs = numpy.frombuffer(part["codes"], "u1")
        codes = numpy.stack([pairs & 15, pairs >> 4], axis=1).ravel()[:count].astype("f4") - 8
        parameters[at] += numpy.frombuffer(part["scales"], "<f2").astype("f4").repeat(64)[:count] * codes

def check(layout, parameters, record, what):
    """T4: by the checkpoint's id these are the version's parameters."""
    data, size = parameters.tobytes(), 1 << 20
    chunks = [sha256(data[at : at + size]) for at in range(0, len(data), size)]
    form = {"format": "commonweight.checkpoint/1", "chunkBytes": size, "chunks": chunks, "tensors": layout}
    message = f"{what} is not version {record['number']} of {record['model']}"
    expect(sha256(canonical(form)) == record["checkpoint"], message)

def values(relay, chunk):
    """T4, T12: a chunk's values as f32. T4's manifest has a chunk's hash alone, the narrow one its dtype too."""
    dtype, identity = ("F32", chunk) if isinstance(chunk, str) else (chunk["dtype"], chunk["sha256"])
    read = numpy.frombuffer(blob(relay, identity), {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}[dtype])
    return (read.astype("<u4") << 16).view("<f4") if dtype == "BF16" else read.astype("<f4")

def main(url, address, path):
    model, _, name = address.partition("@")
    file, pins = pathlib.Path(path), pathlib.Path(path + ".pin")
    pin = json.loads(pins.read_text()) if pins.exists() else {}
    relay = url.rstrip("/") + "/api/v1"
    home = f"{relay}/models/{model}"
    target = version(home, model, name or "head", pin)
    number, query = target["number"], ""
    if file.exists():
        header, metadata, body = tensors(file.read_bytes())
        expect(metadata.get("model") == model, f"{path} does not hold {model}")
        held = int(metadata["number"])
        layout = [{"name": name, "shape": header[name]["shape"]} for name in sorted(header)]
        parameters = numpy.frombuffer(body, "<f4").copy()
        check(layout, parameters, version(home, model, held, pin), path)
        query = f"?from={held}" if held <= number else ""
    plan = json.loads(get(f"{home}/versions/{number}/checkpoint{query}"))
    if plan["keyframe"]:
        manifest = plan["keyframe"]["manifest"]
        layout = manifest["tensors"]
        parameters = numpy.concatenate([values(relay, chunk) for chunk in manifest["chunks"]])
    many = plan["keyframe"] is None and len(plan["steps"]) >= 4  # T13: one file for all, where that is smaller
    one = get(f"{home}/versions/{number}/downloads/since-{held}.safetensors", may_fail=True) if many else None
    for data in [one] if one else (blob(relay, step["sha256"]) for step in plan["steps"]):
        apply_step(parameters, data)
    check(layout, parameters, target, "what was served")
    licence = json.loads(get(home))["recipe"]["licence"]
    about = {"model": model, "version": target["id"], "number": str(number), "licence": licence}
    header, end = {"__metadata__": about}, 0
    for tensor in layout:
        start, end = end, end + 4 * math.prod(tensor["shape"])
        header[tensor["name"]] = {"dtype": "F32", "shape": tensor["shape"], "data_offsets": [start, end]}
    text = canonical(header)
    text += b" " * (-len(text) % 8)
    file.with_suffix(".new").write_bytes(len(text).to_bytes(8, "little") + text + parameters.tobytes())
    file.with_suffix(".new").replace(path)
    pins.write_text(json.dumps(pin))
    print(f"{path} is version {number} of {model}, {target['id']}")

if __name__ == "__main__":
    main(*sys.argv[1:])
