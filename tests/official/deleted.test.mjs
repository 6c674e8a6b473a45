// Soft delete, with the pollers of the long-running operations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, freshName, keyClient, refusal } from './clients.mjs';

const client = keyClient();
const soon = { intervalInMs: 5 };

test('delete, look, recover', async () => {
  const name = freshName('recovered');
  const made = await client.createRsaKey(name);
  const poller = await client.beginDeleteKey(name, soon);
  const deleted = await poller.pollUntilDone();
  assert.equal(deleted.name, name);
  assert.match(deleted.properties.recoveryId, /\/deletedkeys\//);
  assert.ok(deleted.properties.scheduledPurgeDate > deleted.properties.deletedOn);
  assert.equal((await refusal(client.getKey(name))).code, 'KeyNotFound');
  assert.deepEqual(await refusal(client.createRsaKey(name)).then(({ status, code }) => [status, code]), [409, 'Conflict']);
  assert.equal((await client.getDeletedKey(name)).key.n.length, 256);

  const back = await (await client.beginRecoverDeletedKey(name, soon)).pollUntilDone();
  assert.deepEqual(back.key.n, made.key.n);
  assert.equal((await client.getKey(name)).id, made.id);
});

test('delete, list, purge', async () => {
  const name = freshName('purged');
  await client.createRsaKey(name);
  await (await client.beginDeleteKey(name, soon)).pollUntilDone();
  assert.ok((await all(client.listDeletedKeys())).some((key) => key.name === name));
  await client.purgeDeletedKey(name);
  assert.equal((await refusal(client.getDeletedKey(name))).status, 404);
  assert.ok((await client.createRsaKey(name)).id); // the name is free again
});
