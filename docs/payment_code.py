#!/usr/bin/env python3
"""The payment code of this minute: payment_code.py DEVICE.json [UNIX_SECONDS]

DEVICE.json is the answer to `POST /v1/wallets/{id}/devices`. Nothing is asked of any server: the code is made of the device's
secret and the time, as in RFC 6238.
"""
import hashlib
import hmac
import json
import struct
import sys
import time

NETWORK = "74"
STEP_SECS = 60


def payment_code(secret: str, handle: str, unix_seconds: int) -> str:
    # What the device signs to confirm is made with the secret itself; codes have a key of their own.
    key = hmac.new(secret.encode(), b"payment code", hashlib.sha256).digest()
    step = struct.pack(">Q", unix_seconds // STEP_SECS)
    digest = hmac.new(key, step, hashlib.sha256).digest()
    offset = digest[-1] & 0x0F
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{NETWORK}{handle}{(number & 0x7FFFFFFF) % 10**8:08}"


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        device = json.load(file)
    now = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(payment_code(device["secret"], device["handle"], now))
