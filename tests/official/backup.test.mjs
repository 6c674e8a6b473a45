// KeyClient: backup and restore.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { all, cryptographyClients, freshName, keyClient, knownKey, verdict } from './clients.mjs';

const client = keyClient();
const soon = { intervalInMs: 5 };

async function forget(name) {
  await (await client.beginDeleteKey(name, soon)).pollUntilDone();
  await client.purgeDeletedKey(name);
}

test('backup and restore: every version, with its attributes and tags, and its use', async () => {
  const name = freshName('kept');
  const first = await client.importKey(name, knownKey(), { enabled: false, tags: { a: '1' } });
  const second = await client.createRsaKey(name, { expiresOn: new Date('2035-01-01T00:00:00Z') });
  const { far } = cryptographyClients(second);
  const secret = randomBytes(32);
  const { result } = await far.wrapKey('RSA-OAEP-256', secret);
  const backup = await client.backupKey(name);
  assert.ok(backup instanceof Uint8Array && backup.length > 0);

  await forget(name);
  const back = await client.restoreKeyBackup(backup);
  assert.equal(back.id, second.id);
  assert.deepEqual(back.key.n, second.key.n);
  assert.deepEqual(back.properties.expiresOn, second.properties.expiresOn);
  const old = await client.getKey(name, { version: first.properties.version });
  assert.deepEqual(old.key.n, first.key.n);
  assert.equal(old.properties.enabled, false);
  assert.deepEqual(old.properties.tags, { a: '1' });
  assert.equal((await all(client.listPropertiesOfKeyVersions(name))).length, 2);
  assert.deepEqual(Buffer.from((await far.unwrapKey('RSA-OAEP-256', result)).result), secret);
});

test('backup: an elliptic-curve key', async () => {
  const name = freshName('kept');
  const key = await client.createEcKey(name, { curve: 'P-384' });
  const backup = await client.backupKey(name);
  await forget(name);
  assert.deepEqual((await client.restoreKeyBackup(backup)).key.x, key.key.x);
});

test('backup: it holds no key in clear', async () => {
  const name = freshName('kept');
  const key = knownKey();
  await client.importKey(name, key);
  const backup = Buffer.from(await client.backupKey(name));
  for (const member of ['d', 'p', 'q']) {
    assert.equal(backup.includes(key[member]), false, member);
    assert.equal(backup.includes(key[member].toString('base64url').slice(4, -4)), false, member);
  }
});

test('backup: of nothing is not found', async () => {
  assert.deepEqual(await verdict(client.backupKey(freshName('missing'))), [404, 'KeyNotFound']);
});

test('restore: a name that is taken stays', async () => {
  const name = freshName('kept');
  await client.importKey(name, knownKey());
  const backup = await client.backupKey(name);
  assert.deepEqual((await verdict(client.restoreKeyBackup(backup))).slice(0, 2), [409, 'Conflict']);
  await (await client.beginDeleteKey(name, soon)).pollUntilDone();
  assert.deepEqual((await verdict(client.restoreKeyBackup(backup))).slice(0, 2), [409, 'Conflict']);
});

test('restore: what is no backup, or was changed, is refused', async () => {
  assert.deepEqual((await verdict(client.restoreKeyBackup(randomBytes(500)))).slice(0, 2), [400, 'BadParameter']);
  const name = freshName('kept');
  await client.importKey(name, knownKey());
  const backup = Uint8Array.from(await client.backupKey(name));
  await forget(name);
  backup[backup.length >> 1] ^= 1;
  assert.deepEqual((await verdict(client.restoreKeyBackup(backup))).slice(0, 2), [400, 'BadParameter']);
  assert.deepEqual(await verdict(client.getKey(name)), [404, 'KeyNotFound']);
});

test('backup and restore need their permissions', async () => {
  const name = freshName('kept');
  await client.importKey(name, knownKey());
  const backup = await client.backupKey(name);
  const forbidden = [403, 'Forbidden', 'ForbiddenByPolicy'];
  assert.deepEqual(await verdict(keyClient('NONE').backupKey(name)), forbidden);
  assert.deepEqual(await verdict(keyClient('NONE').restoreKeyBackup(backup)), forbidden);
});
