// KeyClient: keys that may leave, under a release policy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshName, keyClient, knownKey, verdict } from './clients.mjs';

const client = keyClient();
const encodedPolicy = Buffer.from(JSON.stringify({
  anyOf: [{ authority: 'https://attest.localhost', allOf: [{ claim: 'sdk-test', equals: true }] }], version: '1.0.0',
}));

test('create: an exportable key with its policy', async () => {
  const key = await client.createRsaKey(freshName('free'), {
    hsm: true, exportable: true, releasePolicy: { encodedPolicy }, keyOps: ['encrypt', 'decrypt'],
  });
  assert.equal(key.properties.exportable, true);
  assert.deepEqual(JSON.parse(Buffer.from(key.properties.releasePolicy.encodedPolicy)), JSON.parse(encodedPolicy));
  assert.deepEqual((await client.getKey(key.name)).properties.releasePolicy, key.properties.releasePolicy);
});

test('create: exportable without a policy is refused, and a policy without exportable', async () => {
  assert.equal((await verdict(client.createRsaKey(freshName('free'), { hsm: true, exportable: true })))[0], 400);
  const releasePolicy = { encodedPolicy };
  assert.equal((await verdict(client.createRsaKey(freshName('free'), { hsm: true, releasePolicy })))[0], 400);
});

test('release: a key that may not leave, and an assertion that is none, are refused', async () => {
  const kept = freshName('kept');
  await client.importKey(kept, knownKey());
  assert.ok([400, 403].includes((await verdict(client.releaseKey(kept, 'assertion')))[0]));
  const options = { hsm: true, exportable: true, releasePolicy: { encodedPolicy } };
  const free = await client.createRsaKey(freshName('free'), options);
  assert.ok([400, 403].includes((await verdict(client.releaseKey(free.name, 'assertion')))[0]));
});
