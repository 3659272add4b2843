#!/usr/bin/env python3
"""Verifies a webhook of Spindrift: Standard Webhooks, standard library only.

    body = verify(secret, headers, raw_body)     # raises ValueError where it is not ours

`python3 verify.py vectors.json` checks this file against signatures that the standard's own libraries made.
"""

import base64
import hashlib
import hmac
import json
import sys
import time

TOLERANCE_S = 300


def verify(secret, headers, body, now=None):
    """The parsed body; `body` are the bytes as they came, `headers` a mapping with names in lower case."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise ValueError("too old, or from the future")
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    for signature in headers["webhook-signature"].split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value.encode(), expected.encode()):
            return json.loads(body)
    raise ValueError("not signed with this secret")


def check(path):
    for vector in json.load(open(path, encoding="utf-8")):
        headers = {name: vector[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
        body, now = vector["body"].encode(), int(headers["webhook-timestamp"])
        assert verify(vector["secret"], headers, body, now) == json.loads(body)
        # Beside a signature of another secret it holds as well, as during a rotation.
        both = dict(headers, **{"webhook-signature": "v1,AAAA " + headers["webhook-signature"]})
        verify(vector["secret"], both, body, now)
        for wrong_headers, wrong_body, at in [
            (headers, body + b" ", now),
            (dict(headers, **{"webhook-id": "msg_other"}), body, now),
            (headers, body, now + TOLERANCE_S + 1),
            (dict(headers, **{"webhook-signature": "v1,AAAA v2," + headers["webhook-signature"][3:]}), body, now),
        ]:
            try:
                verify(vector["secret"], wrong_headers, wrong_body, at)
            except ValueError:
                continue
            raise AssertionError("a wrong request was taken")
    print("every vector is judged as it should be")


if __name__ == "__main__":
    check(sys.argv[1])
