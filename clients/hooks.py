"""What schemathesis is to do about this API: sign every request with the key in the file that GATEWAY_KEY names."""

import json
import os

import schemathesis

from signed import Signed

with open(os.environ["GATEWAY_KEY"], encoding="utf-8") as file:
    schemathesis.auth.set_from_requests(Signed(json.load(file)))


@schemathesis.serializer("application/x-ndjson")
def ndjson(_, value):
    """Lines of JSON, of which a fuzzer makes one value."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()
