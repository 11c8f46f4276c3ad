"""Brings a version of a community model into a safetensors file: the reference for readers, by docs/protocol/ alone.
Run: python3 scripts/pull.py URL MODEL[@VERSION] FILE. Needs numpy and cryptography. From the version that FILE holds it
loads delta steps alone. FILE changes when all of it has been verified; the relay's key is kept in FILE.pin.
"""

import hashlib
import json
import pathlib
import struct
import sys
import urllib.error
import urllib.request

import numpy
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MOST_BYTES = 64 << 20  # of one answer

def expect(holds, message):
    if not holds:
        sys.exit(message)

def get(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            data = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        sys.exit(json.loads(error.read())["error"]["message"])
    expect(len(data) <= MOST_BYTES, f"{url} answers with more than {MOST_BYTES} bytes")
    return data

def sha256(data):
    return hashlib.sha256(data).hexdigest()

def canonical(value):  # of names, whole numbers and hashes: RFC 8785's other rules do not come up
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

class Relay:
    def __init__(self, url, model, pin):
        self.url, self.model, self.pin = url.rstrip("/") + "/api/v1", model, pin

    def blob(self, identity):
        data = get(f"{self.url}/blobs/{identity}")
        expect(sha256(data) == identity, f"blob {identity} is damaged")
        return data

    def version(self, name):
        """V1, V4, V10: a version's record and id. What is hashed is the record as it is served."""
        data = get(f"{self.url}/models/{self.model}/versions/{name}")
        text = data[len(b'{"record":') : data.rindex(b',"signature":')]
        record, identity = json.loads(text), sha256(text)
        key = self.pin.setdefault("relayKey", record["relayKey"])
        expect(record["relayKey"] == key, f"version {name} is signed by {record['relayKey']}, not {key}")
        expect(record["model"] == self.model, f"this is the history of {record['model']}")
        signed = b"commonweight/version/1\0" + bytes.fromhex(identity)
        try:
            signature = bytes.fromhex(json.loads(data)["signature"])
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, signed)
        except InvalidSignature:
            sys.exit(f"version {name} is not signed by {key}")
        return record, identity

def tensors(data):
    """T1: a safetensors file's header without its metadata, the metadata, and the data."""
    (length,) = struct.unpack_from("<Q", data)
    expect(length < 1 << 20 and 8 + length <= len(data), "this is no safetensors file")
    header = json.loads(data[8 : 8 + length])
    return header, header.pop("__metadata__", {}), data[8 + length :]

def positions(data, count, size):
    """M3, M4: strictly ascending positions from their gaps."""
    b = 0
    while 2 ** (b + 1) * 266 * count <= 128 * (2 * size - count):
        b += 1
    bits = "".join(format(byte, "08b") for byte in data)
    found, at, following = [], 0, 0
    for _ in range(count):
        one = bits.index("1", at)
        low = int(bits[one + 1 : one + 1 + b] or "0", 2)
        following += (one - at << b) + low + 1
        at = one + 1 + b
        found.append(following - 1)
    expect(not found or found[-1] < size, "a position past the model")
    return numpy.array(found, dtype=numpy.int64)

def apply_step(parameters, data):
    """T5, G21: change the parameters in place by a delta step."""
    header, metadata, body = tensors(data)
    part = {name: body[slice(*entry["data_offsets"])] for name, entry in header.items()}
    count, size = int(metadata["count"]), int(metadata["size"])
    expect(size == len(parameters), "a delta step of another model")
    at = positions(part["positions"], count, size)
    if "values" in part:
        parameters[at] = numpy.frombuffer(part["values"], "<f4")
        return
    halves = numpy.frombuffer(part["codes"], "u1")
    codes = numpy.stack([halves & 15, halves >> 4], axis=1).ravel()[:count].astype("f4") - 8
    scales = numpy.frombuffer(part["scales"], "<f2").astype("f4").repeat(64)[:count]
    parameters[at] += scales * codes

def checkpoint(shapes, parameters):
    """T4: the id of a checkpoint."""
    data, size = parameters.tobytes(), 1 << 20
    chunks = [sha256(data[at : at + size]) for at in range(0, len(data), size)]
    form = {"format": "commonweight.checkpoint/1", "chunkBytes": size, "chunks": chunks}
    return sha256(canonical(form | {"tensors": [{"name": name, "shape": shape} for name, shape in shapes]}))

def main(url, address, path):
    model, _, name = address.partition("@")
    file, pins = pathlib.Path(path), pathlib.Path(path + ".pin")
    relay = Relay(url, model, json.loads(pins.read_text()) if pins.exists() else {})
    target, identity = relay.version(name or "head")
    number, held = target["number"], None
    if file.exists():
        header, metadata, body = tensors(file.read_bytes())
        expect(metadata.get("model") == model, f"{path} does not hold {model}")
        held = int(metadata["number"])
        shapes = [(name, header[name]["shape"]) for name in sorted(header)]
        parameters = numpy.frombuffer(body, "<f4").copy()
        here = relay.version(held)[0]["checkpoint"]
        expect(checkpoint(shapes, parameters) == here, f"{path} is not version {held} of {model}")
    query = "" if held is None or held > number else f"?from={held}"
    plan = json.loads(get(f"{relay.url}/models/{model}/versions/{number}/checkpoint{query}"))
    if plan["keyframe"]:
        manifest = json.loads(relay.blob(plan["keyframe"]["checkpoint"]))
        shapes = [(tensor["name"], tensor["shape"]) for tensor in manifest["tensors"]]
        data = b"".join(relay.blob(chunk) for chunk in manifest["chunks"])
        parameters = numpy.frombuffer(data, "<f4").copy()
    for step in plan["steps"]:
        apply_step(parameters, relay.blob(step["sha256"]))
    expect(checkpoint(shapes, parameters) == target["checkpoint"], f"version {number} is not what was served")
    licence = json.loads(get(f"{relay.url}/models/{model}"))["recipe"]["licence"]
    header, begin = {}, 0
    for name, shape in shapes:
        end = begin + 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
        begin = end
    about = {"model": model, "version": identity, "number": str(number), "licence": licence}
    text = canonical({"__metadata__": about} | header)
    text += b" " * (-len(text) % 8)
    file.with_suffix(".new").write_bytes(struct.pack("<Q", len(text)) + text + parameters.tobytes())
    file.with_suffix(".new").replace(path)
    pins.write_text(json.dumps(relay.pin))
    print(f"{path} is version {number} of {model}, {identity}")

if __name__ == "__main__":
    main(*sys.argv[1:])
