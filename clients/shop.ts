// A shop and its customer, by clients and libraries that know nothing of this gateway.
//
// The client is what @hey-api/openapi-ts makes of /openapi.json; http-message-signatures signs (RFC 9421), and standardwebhooks
// verifies what the shop is told. Usage: node shop.js URL SHOP.key WALLET.key.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createSigner, httpbis } from 'http-message-signatures';
import { Webhook } from 'standardwebhooks';

import { createClient, type Client } from './generated/client';
import {
  createOrder,
  createRefund,
  createWebhookEndpoint,
  getOrder,
  payOrder,
  removeWebhookEndpoint,
} from './generated/sdk.gen';

/** A client that signs each request with the key in a file. */
function signing(baseUrl: string, file: string): Client {
  const { id, secret } = JSON.parse(readFileSync(file, 'utf8'));
  const key = createSigner(secret, 'hmac-sha256', id);
  const client = createClient({ baseUrl });
  client.interceptors.request.use(async (request) => {
    const body = await request.clone().text();
    const fields = ['@method', '@path', '@query'];
    const headers: Record<string, string> = {};
    if (body) {
      headers['content-digest'] = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
      fields.push('content-digest');
    }
    const once = request.headers.get('idempotency-key');
    if (once) {
      headers['idempotency-key'] = once;
      fields.push('idempotency-key');
    }
    const signed = await httpbis.signMessage(
      {
        key,
        name: 'sig1',
        fields,
        params: ['created', 'nonce', 'keyid'],
        paramValues: { created: new Date(), nonce: randomUUID() },
      },
      { method: request.method, url: request.url, headers },
    );
    for (const [name, value] of Object.entries(signed.headers)) {
      request.headers.set(name, String(value));
    }
    return request;
  });
  return client;
}

type Heard = { headers: Record<string, string>; body: string };

/** A shop's program that hears webhooks. */
async function receiver() {
  const waiting: ((heard: Heard) => void)[] = [];
  const come: Heard[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', () => {
      const heard = { headers: request.headers as Record<string, string>, body };
      const next = waiting.shift();
      if (next) next(heard);
      else come.push(heard);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const next = () =>
    new Promise<Heard>((hear) => {
      const heard = come.shift();
      if (heard) hear(heard);
      else waiting.push(hear);
    });
  return { url: `http://127.0.0.1:${port}/`, next, close: () => server.close() };
}

const once = () => ({ 'Idempotency-Key': randomUUID() });

async function main(url: string, shopKey: string, walletKey: string) {
  const shop = signing(url, shopKey);
  const wallet = signing(url, walletKey);
  const hooks = await receiver();
  const throwOnError = true;
  const endpoint = await createWebhookEndpoint({
    client: shop, throwOnError, headers: once(), body: { url: hooks.url },
  });
  const number = `node-${randomUUID()}`;
  const made = await createOrder({
    client: shop, throwOnError, headers: once(),
    body: { number, amount: { amount: 1250, currency: 'CNY' }, description: 'Dumplings, two baskets' },
  });
  const path = { id: made.data.order.id };
  const paid = await payOrder({ client: wallet, throwOnError, headers: once(), path });
  assert.equal(paid.data.order.state, 'paid');
  await createRefund({
    client: shop, throwOnError, headers: once(), path,
    body: { number: `refund-${number}`, amount: { amount: 250, currency: 'CNY' }, reason: 'one dumpling was cold' },
  });
  const found = await getOrder({ client: shop, throwOnError, path });
  assert.equal(found.data.order.state, 'partly_refunded');

  const verifier = new Webhook(endpoint.data.secret);
  for (const topic of ['order.paid', 'order.refunded']) {
    const { headers, body } = await hooks.next();
    const event = verifier.verify(body, headers) as { type: string; data: { order: { number: string } } };
    assert.equal(event.type, topic);
    assert.equal(event.data.order.number, number);
  }
  await removeWebhookEndpoint({ client: shop, throwOnError, path: { id: endpoint.data.endpoint.id } });
  hooks.close();
  console.log('node: an order was made, paid and refunded by a generated client; two webhooks verified');
}

const [url, shopKey, walletKey] = process.argv.slice(2);
await main(url, shopKey, walletKey);
process.exit(0);
