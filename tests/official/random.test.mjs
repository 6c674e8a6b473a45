// KeyClient: random bytes, of a Managed HSM only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hsmClient, keyClient, verdict } from './clients.mjs';

const client = hsmClient();

for (const count of [1, 16, 128]) {
  test(`${count} random bytes`, async () => {
    const bytes = await client.getRandomBytes(count);
    assert.ok(bytes instanceof Uint8Array);
    assert.equal(bytes.length, count);
  });
}

test('they are other ones each time', async () => {
  assert.notDeepEqual(await client.getRandomBytes(32), await client.getRandomBytes(32));
});

for (const count of [0, 129]) {
  test(`${count} random bytes are refused`, async () => {
    assert.equal((await verdict(client.getRandomBytes(count)))[0], 400);
  });
}

test('a vault that is no HSM has none', async () => {
  const [status] = await verdict(keyClient().getRandomBytes(16));
  assert.ok(status >= 400 && status < 500, `${status}`);
});
