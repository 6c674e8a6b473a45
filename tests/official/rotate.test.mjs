// KeyClient: rotation by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, cryptographyClients, freshName, keyClient, verdict } from './clients.mjs';

const client = keyClient();

test('rotate: a new version of the same kind; the old one stays', async () => {
  const name = freshName('rotated');
  const first = await client.createRsaKey(name, { keySize: 3072, keyOps: ['wrapKey', 'unwrapKey'], tags: { a: '1' } });
  const { far } = cryptographyClients(first);
  const { result } = await far.wrapKey('RSA-OAEP', Buffer.from('before'));
  const second = await client.rotateKey(name);
  assert.equal(second.name, name);
  assert.notEqual(second.properties.version, first.properties.version);
  assert.notDeepEqual(second.key.n, first.key.n);
  assert.equal(second.keyType, first.keyType);
  assert.equal(second.key.n.length, 384);
  assert.deepEqual(second.keyOperations, first.keyOperations);
  assert.deepEqual(second.properties.tags, first.properties.tags);
  assert.equal(second.properties.enabled, true);
  assert.equal((await client.getKey(name)).id, second.id);
  assert.equal(Buffer.from((await far.unwrapKey('RSA-OAEP', result)).result).toString(), 'before');
  assert.equal((await all(client.listPropertiesOfKeyVersions(name))).length, 2);
});

test('rotate: an elliptic-curve key keeps its curve', async () => {
  const name = freshName('rotated');
  const first = await client.createEcKey(name, { curve: 'P-521' });
  const second = await client.rotateKey(name);
  assert.equal(second.key.crv, 'P-521');
  assert.notDeepEqual(second.key.x, first.key.x);
});

test('rotate: of nothing is not found', async () => {
  assert.deepEqual(await verdict(client.rotateKey(freshName('missing'))), [404, 'KeyNotFound']);
});

test('rotate needs its permission', async () => {
  assert.deepEqual(await verdict(keyClient('NONE').rotateKey('any')), [403, 'Forbidden', 'ForbiddenByPolicy']);
});
