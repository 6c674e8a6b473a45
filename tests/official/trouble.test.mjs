// What clients do about trouble: throttling, faults, broken connections, tokens that the vault no longer takes.
// Runs alone: trouble is the whole server's.
import assert from 'node:assert/strict';
import { afterEach, before, test } from 'node:test';
import { all, cryptographyClients, freshName, keyClient, knownKey, recorder, refusal, verdict } from './clients.mjs';

const client = keyClient();
const name = freshName('troubled');
let key;

async function ask(...trouble) {
  const answer = await fetch('https://login.localhost/_akvd/trouble', {
    method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ trouble }),
  });
  assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
}

before(async () => { key = await client.importKey(name, knownKey()); });
afterEach(() => ask());

// A client that has met its challenge, and what it sends from now on.
async function watched() {
  const { seen, options } = recorder();
  const own = keyClient('FULL', options);
  await own.getKey(name);
  seen.length = 0;
  return { own, statuses: () => seen.map((entry) => entry.status), seen };
}

test('429 with Retry-After: the client waits and repeats, with the same id', async () => {
  const { own, statuses, seen } = await watched();
  await ask({ operation: 'key_get', kind: 'throttle', times: 2, retry_after_s: 0 });
  assert.equal((await own.getKey(name)).id, key.id);
  assert.deepEqual(statuses(), [429, 429, 200]);
  assert.equal(new Set(seen.map((entry) => entry.headers['x-ms-client-request-id'])).size, 1);
});

test('429 without Retry-After: this client gives up at once, with the code', async () => {
  const { own, statuses } = await watched();
  await ask({ operation: 'key_get', kind: 'throttle', times: 1 });
  const { status, code, message } = await refusal(own.getKey(name));
  assert.deepEqual([status, code], [429, 'Throttled']);
  assert.match(message, /too many requests/);
  assert.deepEqual(statuses(), [429]);
});

for (const [kind, status] of [['error', 500], ['html', 502]]) {
  test(`${status}: the client repeats`, async () => {
    const { own, statuses } = await watched();
    await ask({ operation: 'key_get', kind, times: 2 });
    assert.equal((await own.getKey(name)).id, key.id);
    assert.deepEqual(statuses(), [status, status, 200]);
  });
}

test('503 with Retry-After: the client repeats', async () => {
  const { own, statuses } = await watched();
  await ask({ operation: 'key_get', kind: 'unavailable', times: 1, retry_after_s: 0 });
  assert.equal((await own.getKey(name)).id, key.id);
  assert.deepEqual(statuses(), [503, 200]);
});

test('an error that does not end: the client gives up after four requests', async () => {
  const { own, statuses } = await watched();
  await ask({ operation: 'key_get', kind: 'error' });
  assert.deepEqual(await verdict(own.getKey(name)), [500, 'InternalServerError']);
  assert.deepEqual(statuses(), [500, 500, 500, 500]);
});

test('a connection that breaks: the client repeats', async () => {
  const { own } = await watched();
  await ask({ operation: 'key_get', kind: 'reset', times: 1 });
  assert.equal((await own.getKey(name)).id, key.id);
});

test('a claims challenge: the client brings another token', async () => {
  const { own, statuses } = await watched();
  await ask({ operation: 'key_get', kind: 'claims', times: 1 });
  assert.equal((await own.getKey(name)).id, key.id);
  assert.deepEqual(statuses(), [401, 200]);
});

test('a token that has expired for the vault: the client answers the challenge again', async () => {
  const { own, statuses } = await watched();
  await ask({ operation: 'key_get', kind: 'expired_token', times: 1 });
  assert.equal((await own.getKey(name)).id, key.id);
  assert.deepEqual(statuses(), [401, 200]);
});

test('trouble in the middle of a list and of an unwrap', async () => {
  const { own } = await watched();
  const kind = 'error';
  await ask({ operation: 'key_versions', kind, times: 1 }, { operation: 'key_unwrap', kind, times: 2 });
  assert.equal((await all(own.listPropertiesOfKeyVersions(name))).length, 1);
  const { far } = cryptographyClients(key);
  const { result } = await far.wrapKey('RSA-OAEP', Buffer.from('secret'));
  assert.equal(Buffer.from((await far.unwrapKey('RSA-OAEP', result)).result).toString(), 'secret');
});

test('a poller goes on through faults', async () => {
  const own = freshName('polled');
  await client.importKey(own, knownKey());
  await ask({ operation: 'deleted_get', kind: 'error', times: 2 });
  const poller = await client.beginDeleteKey(own, { intervalInMs: 5 });
  assert.equal((await poller.pollUntilDone()).name, own);
});
