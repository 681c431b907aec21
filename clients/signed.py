"""A requests auth that signs with http-message-signatures, which knows RFC 9421 and nothing of this gateway."""

import base64
import hashlib
import uuid

import requests
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPSignatureComponentResolver,
    HTTPSignatureKeyResolver,
    algorithms,
)


class Key(HTTPSignatureKeyResolver):
    """The one key, whoever asks."""

    def __init__(self, secret: str):
        self.secret = secret.encode()

    def resolve_private_key(self, key_id: str) -> bytes:
        return self.secret

    def resolve_public_key(self, key_id: str) -> bytes:
        return self.secret


class Signed(requests.auth.AuthBase):
    def __init__(self, key: dict):
        self.key_id = key.get("key_id") or key["id"]
        self.signer = HTTPMessageSigner(
            signature_algorithm=algorithms.HMAC_SHA256,
            key_resolver=Key(key["secret"]),
            component_resolver_class=HTTPSignatureComponentResolver,
        )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        for name in ("Content-Digest", "Signature", "Signature-Input"):
            request.headers.pop(name, None)
        covered = ["@method", "@path", "@query"]
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
            request.body = body
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            request.headers["Content-Digest"] = f"sha-256=:{digest}:"
            covered.append("content-digest")
        if request.method == "POST" and "Idempotency-Key" not in request.headers:
            request.headers["Idempotency-Key"] = str(uuid.uuid4())
        if "Idempotency-Key" in request.headers:
            covered.append("idempotency-key")
        try:
            self.signer.sign(
                request,
                key_id=self.key_id,
                covered_component_ids=covered,
                nonce=uuid.uuid4().hex,
                label="sig1",
                include_alg=False,
                use_existing_digest=bool(body),
            )
        except (HTTPMessageSignaturesException, ValueError):
            # A fuzzer's header may be one that nobody can sign; the server is to refuse it.
            pass
        return request
