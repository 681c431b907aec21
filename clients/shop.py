"""A shop and its customer, by clients and libraries that know nothing of this gateway.

The client is what openapi-python-client makes of /openapi.json; http-message-signatures signs (RFC 9421), and standardwebhooks
verifies what the shop is told. Usage: shop.py URL SHOP.key WALLET.key, with the generated client on the path as `generated`.
"""

import http.server
import json
import queue
import sys
import threading
import uuid

import httpx
import requests
from generated import Client
from generated.api.orders import create_order, get_order
from generated.api.payments import create_refund, pay_order
from generated.api.webhooks import create_webhook_endpoint, remove_webhook_endpoint
from generated.models import (
    Amount,
    NewOrder,
    NewRefund,
    NewWebhookEndpoint,
)
from standardwebhooks.webhooks import Webhook

from signed import Signed


class Auth(httpx.Auth):
    """The same signatures for httpx, on which the generated client stands."""

    requires_request_body = True

    def __init__(self, file: str):
        with open(file, encoding="utf-8") as key:
            self.signed = Signed(json.load(key))

    def auth_flow(self, request: httpx.Request):
        key = request.headers.get("idempotency-key")
        twin = requests.Request(
            request.method,
            str(request.url),
            data=request.content,
            headers={"Idempotency-Key": key} if key else {},
        ).prepare()
        signed = self.signed(twin)
        for name in ("Content-Digest", "Idempotency-Key", "Signature-Input", "Signature"):
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        yield request


def receiver() -> tuple[str, queue.Queue]:
    heard: queue.Queue = queue.Queue()

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.put((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/", heard


def must(answer, status: int):
    assert answer.status_code == status, (answer.status_code, answer.content)
    return answer.parsed


def key() -> str:
    return str(uuid.uuid4())


def main(url: str, shop_key: str, wallet_key: str) -> None:
    shop = Client(base_url=url, httpx_args={"auth": Auth(shop_key)})
    wallet = Client(base_url=url, httpx_args={"auth": Auth(wallet_key)})
    address, heard = receiver()
    endpoint = must(
        create_webhook_endpoint.sync_detailed(
            client=shop, body=NewWebhookEndpoint(url=address), idempotency_key=key()
        ),
        201,
    )
    number = f"python-{uuid.uuid4().hex}"
    order = NewOrder(
        number=number,
        amount=Amount(amount=1250, currency="CNY"),
        description="Dumplings, two baskets",
    )
    made = must(create_order.sync_detailed(client=shop, body=order, idempotency_key=key()), 201)
    paid = must(
        pay_order.sync_detailed(made.order.id, client=wallet, idempotency_key=key()), 200
    )
    assert paid.order.state == "paid", paid
    refund = NewRefund(
        number=f"refund-{number}"[:64],
        amount=Amount(amount=250, currency="CNY"),
        reason="one dumpling was cold",
    )
    must(
        create_refund.sync_detailed(
            made.order.id, client=shop, body=refund, idempotency_key=key()
        ),
        201,
    )
    found = must(get_order.sync_detailed(made.order.id, client=shop), 200)
    assert found.order.state == "partly_refunded", found

    verifier = Webhook(endpoint.secret)
    for topic in ("order.paid", "order.refunded"):
        headers, body = heard.get(timeout=30)
        lower = {name.lower(): value for name, value in headers.items()}
        event = verifier.verify(body, lower)
        assert event["type"] == topic, event
        assert event["data"]["order"]["number"] == number
    removed = remove_webhook_endpoint.sync_detailed(endpoint.endpoint.id, client=shop)
    assert removed.status_code == 204, removed
    print("python: an order was made, paid and refunded by a generated client; two webhooks verified")


main(*sys.argv[1:])
