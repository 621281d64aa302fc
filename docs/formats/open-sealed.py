#!/usr/bin/env python3
"""Opens a sealed artifact of drydock without drydock.

    open-sealed.py Data.zip.sealed KEYFILE > Data.zip

KEYFILE is what `drydock keygen` or age-keygen wrote, or an SSH key; without it, age asks for the passphrase.
Needs age (https://age-encryption.org) and Python with the cryptography package:
    apt-get install age python3-cryptography
See sealed.md for the format.
"""
import hashlib
import hmac
import struct
import subprocess
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LEAD, TAG = 40, 16  # of a ciphertext: length, salt and nonce prefix; of a segment


def hkdf(key, salt, info):
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def unwrap(age_file, keyfile):
    """The file key, or None if the key does not fit."""
    command = ["age", "--decrypt"] + (["--identity", keyfile] if keyfile else [])
    done = subprocess.run(command, input=age_file, stdout=subprocess.PIPE, stderr=subprocess.PIPE if keyfile else None)
    return done.stdout if done.returncode == 0 else None


def file_key(fixed, slots, keyfile):
    """The key in the newest slot that the keyfile opens."""
    for slot in sorted(slots, key=lambda s: s[:4], reverse=True):
        generation, length = struct.unpack(">II", slot[:8])
        signed, mac, files = slot[:8 + length], slot[8 + length:40 + length], slot[8:8 + length]
        while generation and files:
            n = struct.unpack(">I", files[:4])[0]
            key = unwrap(files[4:4 + n], keyfile)
            files = files[4 + n:]
            if key:
                want = hmac.new(hkdf(key, None, b"drydock sealed v1: header"), fixed + signed, hashlib.sha256).digest()
                if not hmac.compare_digest(mac, want):
                    sys.exit("the header is altered")
                return key
    sys.exit("this key does not open it")


def segments(f, size, key, associated):
    """The plaintext of one ciphertext of so many bytes, from where f stands."""
    lead = f.read(LEAD)
    aes = AESGCM(hkdf(key, lead[1:33], associated))
    left, index, room = size - LEAD, 0, segment_size - LEAD
    while True:
        part = f.read(min(left, room))
        left -= len(part)
        nonce = lead[33:40] + struct.pack(">IB", index, left == 0)
        try:
            yield aes.decrypt(nonce, part, None)
        except InvalidTag:
            sys.exit("the artifact is damaged: segment %d of the chunk that ends at byte %d" % (index, f.tell()))
        if left == 0:
            return
        index, room = index + 1, segment_size


path, keyfile = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else None)
with open(path, "rb") as f:
    fixed = f.read(64)
    magic, version, header_size, artifact, chunk_size, segment_size = struct.unpack(">8sII16sQI", fixed[:44])
    if magic != b"DRYDOCKS" or version != 1:
        sys.exit("not a sealed artifact of version 1")
    room = (header_size - 64) // 2
    payload = hkdf(file_key(fixed, [f.read(room), f.read(room)], keyfile), None, b"drydock sealed v1: payload")
    end = f.seek(0, 2) - LEAD - TAG  # where the empty ciphertext at the end begins
    f.seek(header_size)
    index = 0
    while f.tell() < end:
        here = min((index + 1) * chunk_size, end) - f.tell()
        for part in segments(f, here, payload, artifact + struct.pack(">QB", index, 0)):
            sys.stdout.buffer.write(part)
        index += 1
    for part in segments(f, LEAD + TAG, payload, artifact + struct.pack(">QB", index, 1)):
        assert part == b""
