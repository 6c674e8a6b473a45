// KeyClient: the life of keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, freshName, keyClient, refusal, vaultUrl } from './clients.mjs';
import { readFile } from 'node:fs/promises';

const client = keyClient();
const vectors = JSON.parse(await readFile(new URL('../vectors/azure-rsa.json', import.meta.url)));

const bytes = (text) => Buffer.from(text, 'base64url');

test('create: an RSA key has the defaults of the service', async () => {
  const name = freshName('created');
  const key = await client.createRsaKey(name);
  assert.equal(key.name, name);
  assert.equal(key.keyType, 'RSA');
  assert.equal(key.key.n.length, 256);
  assert.deepEqual([...key.key.e], [1, 0, 1]);
  assert.match(key.id, new RegExp(`^${vaultUrl}/keys/${name}/[0-9a-f]{32}$`));
  assert.equal(key.properties.vaultUrl, vaultUrl);
  assert.equal(key.properties.enabled, true);
  assert.equal(key.properties.recoveryLevel, 'Recoverable+Purgeable');
  assert.equal(key.properties.recoverableDays, 90);
  assert.deepEqual(key.keyOperations.toSorted(), ['decrypt', 'encrypt', 'sign', 'unwrapKey', 'verify', 'wrapKey']);
  assert.ok(Math.abs(key.properties.createdOn - Date.now()) < 60000);
});

test('create: sizes, operations, times, tags and disabled keys are what was asked for', async () => {
  // Before 2038: this client's times have 32 bits.
  const expiresOn = new Date('2035-01-01T00:00:00Z');
  const notBefore = new Date('2020-01-01T00:00:00Z');
  const key = await client.createRsaKey(freshName('asked'), {
    keySize: 3072, keyOps: ['sign', 'verify'], enabled: false, expiresOn, notBefore, tags: { purpose: 'suite' },
  });
  assert.equal(key.key.n.length, 384);
  assert.deepEqual(key.keyOperations, ['sign', 'verify']);
  assert.equal(key.properties.enabled, false);
  assert.deepEqual(key.properties.expiresOn, expiresOn);
  assert.deepEqual(key.properties.notBefore, notBefore);
  assert.deepEqual(key.properties.tags, { purpose: 'suite' });
});

test('import: the public half comes back', async () => {
  const jwk = vectors.import_request.key;
  const members = Object.fromEntries(['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'].map((m) => [m, bytes(jwk[m])]));
  const key = await client.importKey(freshName('imported'), { kty: 'RSA', keyOps: jwk.key_ops, ...members });
  assert.deepEqual(Buffer.from(key.key.e), bytes(jwk.e));
  assert.deepEqual(Buffer.from(key.key.n), bytes(jwk.n));
  assert.equal(key.key.d, undefined);
});

test('get: by name the newest, by version that one', async () => {
  const name = freshName('versioned');
  const first = await client.createRsaKey(name);
  const second = await client.createRsaKey(name);
  assert.notEqual(first.properties.version, second.properties.version);
  assert.equal((await client.getKey(name)).properties.version, second.properties.version);
  const again = await client.getKey(name, { version: first.properties.version });
  assert.deepEqual(again.key.n, first.key.n);
});

test('update: attributes, operations and tags', async () => {
  const name = freshName('updated');
  const { properties } = await client.createRsaKey(name, { tags: { a: '1' } });
  const changed = await client.updateKeyProperties(name, properties.version, {
    enabled: false, tags: { b: '2' }, keyOps: ['decrypt'], expiresOn: new Date('2036-02-03T00:00:00Z'),
  });
  assert.equal(changed.properties.enabled, false);
  assert.deepEqual(changed.properties.tags, { b: '2' });
  assert.deepEqual(changed.keyOperations, ['decrypt']);
  const newest = await client.updateKeyProperties(name, { enabled: true });
  assert.equal(newest.properties.enabled, true);
  assert.deepEqual(newest.properties.tags, { b: '2' });
});

test('lists: more than one page of names and of versions', async () => {
  const names = Array.from({ length: 28 }, () => freshName('listed'));
  for (const name of names) await client.importKey(name, (await template()));
  const listed = (await all(client.listPropertiesOfKeys())).map((key) => key.name);
  for (const name of names) assert.ok(listed.includes(name), name);
  assert.equal(new Set(listed).size, listed.length);

  for (let i = 0; i < 27; i++) await client.importKey(names[0], (await template()));
  const versions = await all(client.listPropertiesOfKeyVersions(names[0]));
  assert.equal(versions.length, 28);
  assert.ok(versions.every((each) => each.name === names[0] && /^[0-9a-f]{32}$/.test(each.version)));

  const sizes = [];
  for await (const page of client.listPropertiesOfKeys().byPage({ maxPageSize: 10 })) sizes.push(page.length);
  assert.ok(sizes.length > 1 && sizes.every((size) => size <= 10), `${sizes}`);
});

async function template() {
  const jwk = vectors.import_request.key;
  return { kty: 'RSA', ...Object.fromEntries(['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'].map((m) => [m, bytes(jwk[m])])) };
}

test('errors: statuses and codes are those that programs decide by', async () => {
  const name = freshName('missing');
  assert.deepEqual(pick(await refusal(client.getKey(name))), [404, 'KeyNotFound']);
  assert.deepEqual(pick(await refusal(client.createKey('under_score', 'RSA'))), [400, 'BadParameter']);
  assert.deepEqual(pick(await refusal(client.createRsaKey(name, { keySize: 1024 }))), [400, 'BadParameter']);
  const blind = await refusal(keyClient('BLIND').createRsaKey(name));
  assert.deepEqual(pick(blind), [403, 'Forbidden']);
  assert.match(blind.message, /does not have keys create permission/);
});

const pick = ({ status, code }) => [status, code];

test('sign-in: a wrong secret is Entra\'s own error', async () => {
  process.env.AKVD_WRONG_ID = process.env.AKVD_FULL_ID;
  process.env.AKVD_WRONG_SECRET = 'not-the-secret';
  const error = await keyClient('WRONG').getKey('any').catch((e) => e);
  assert.match(error.name, /^Authentication/);
  assert.match(error.message, /AADSTS7000215/);
});
