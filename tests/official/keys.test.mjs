// KeyClient: the life of keys, short of their end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshName, keyClient, knownJwk, knownKey, refusal, vaultUrl, verdict } from './clients.mjs';

const client = keyClient();
const rsaOperations = ['decrypt', 'encrypt', 'sign', 'unwrapKey', 'verify', 'wrapKey'];
const noVersion = '0'.repeat(32);

test('create: an RSA key has the defaults of the service', async () => {
  const name = freshName('created');
  const key = await client.createRsaKey(name);
  assert.equal(key.name, name);
  assert.equal(key.keyType, 'RSA');
  assert.equal(key.key.n.length, 256);
  assert.deepEqual([...key.key.e], [1, 0, 1]);
  assert.match(key.id, new RegExp(`^${vaultUrl}/keys/${name}/[0-9a-f]{32}$`));
  assert.equal(key.properties.id, key.id);
  assert.equal(key.properties.vaultUrl, vaultUrl);
  assert.equal(key.properties.enabled, true);
  assert.equal(key.properties.recoveryLevel, 'Recoverable+Purgeable');
  assert.equal(key.properties.recoverableDays, 90);
  assert.equal(key.properties.tags, undefined);
  assert.equal(key.properties.notBefore, undefined);
  assert.equal(key.properties.expiresOn, undefined);
  assert.deepEqual(key.keyOperations.toSorted(), rsaOperations);
  assert.ok(Math.abs(key.properties.createdOn - Date.now()) < 60000);
  assert.deepEqual(key.properties.updatedOn, key.properties.createdOn);
});

test('create: by the name of the type', async () => {
  const key = await client.createKey(freshName('typed'), 'RSA', { keyOps: ['wrapKey', 'unwrapKey'] });
  assert.equal(key.keyType, 'RSA');
  assert.deepEqual(key.keyOperations.toSorted(), ['unwrapKey', 'wrapKey']);
});

for (const keySize of [2048, 3072, 4096]) {
  test(`create: ${keySize} bits`, async () => {
    const key = await client.createRsaKey(freshName('sized'), { keySize });
    assert.equal(key.key.n.length, keySize / 8);
    assert.ok(key.key.n[0] >= 0x80);
  });
}

test('create: operations, times, tags and disabled keys are what was asked for', async () => {
  // Before 2038: this client's times have 32 bits.
  const expiresOn = new Date('2035-01-01T00:00:00Z');
  const notBefore = new Date('2020-01-01T00:00:00Z');
  const tags = { purpose: 'suite', 'größe': 'zwölf' };
  const key = await client.createRsaKey(freshName('asked'), {
    keyOps: ['sign', 'verify'], enabled: false, expiresOn, notBefore, tags,
  });
  assert.deepEqual(key.keyOperations, ['sign', 'verify']);
  assert.equal(key.properties.enabled, false);
  assert.deepEqual(key.properties.expiresOn, expiresOn);
  assert.deepEqual(key.properties.notBefore, notBefore);
  assert.deepEqual(key.properties.tags, tags);
});

test('create: a key of a hardware module says so', async () => {
  const key = await client.createRsaKey(freshName('hardware'), { hsm: true });
  assert.equal(key.keyType, 'RSA-HSM');
});

test('create: what is there already gets a version', async () => {
  const name = freshName('again');
  const first = await client.createRsaKey(name);
  const second = await client.createRsaKey(name);
  assert.notEqual(first.properties.version, second.properties.version);
  assert.notDeepEqual(first.key.n, second.key.n);
});

test('create: bad names, types and sizes are refused', async () => {
  assert.deepEqual(await verdict(client.createRsaKey('under_score')), [400, 'BadParameter']);
  assert.deepEqual(await verdict(client.createRsaKey('n'.repeat(128))), [400, 'BadParameter']);
  assert.deepEqual(await verdict(client.createRsaKey(freshName('small'), { keySize: 1024 })), [400, 'BadParameter']);
  const oct = await refusal(client.createKey(freshName('oct'), 'oct'));
  assert.deepEqual([oct.status, oct.code, oct.inner], [400, 'BadParameter', 'KeyTypeNotSupported']);
  assert.equal(oct.message, 'Invalid kty value: oct');
  const tags = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`tag${i}`, 'x']));
  assert.deepEqual(await verdict(client.createRsaKey(freshName('tags'), { tags })), [400, 'BadParameter']);
  assert.deepEqual(await verdict(client.createRsaKey(freshName('ops'), { keyOps: ['fly'] })), [400, 'BadParameter']);
});

test('import: the public half comes back', async () => {
  const key = await client.importKey(freshName('imported'), { ...knownKey(), keyOps: knownJwk.key_ops });
  assert.deepEqual(Buffer.from(key.key.e), Buffer.from(knownJwk.e, 'base64url'));
  assert.deepEqual(Buffer.from(key.key.n), Buffer.from(knownJwk.n, 'base64url'));
  assert.deepEqual(key.keyOperations.toSorted(), knownJwk.key_ops.toSorted());
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) assert.equal(key.key[member], undefined);
});

test('import: attributes and tags; hardware-protected', async () => {
  const expiresOn = new Date('2035-06-07T08:09:10Z');
  const key = await client.importKey(freshName('imported'), knownKey(), {
    hardwareProtected: true, enabled: false, expiresOn, tags: { from: 'elsewhere' },
  });
  assert.equal(key.keyType, 'RSA-HSM');
  assert.equal(key.properties.enabled, false);
  assert.deepEqual(key.properties.expiresOn, expiresOn);
  assert.deepEqual(key.properties.tags, { from: 'elsewhere' });
  assert.deepEqual(key.keyOperations.toSorted(), rsaOperations);
});

test('import: numbers that are no key are refused', async () => {
  const { n, e } = knownKey();
  const half = await refusal(client.importKey(freshName('half'), { kty: 'RSA', n, e }));
  assert.deepEqual([half.status, half.code], [400, 'BadParameter']);
  assert.match(half.message, /must be a valid JsonWebKey/);
  const wrong = { ...knownKey(), p: Buffer.alloc(128, 0xff) };
  assert.deepEqual(await verdict(client.importKey(freshName('wrong'), wrong)), [400, 'BadParameter']);
});

test('get: by name the newest, by version that one', async () => {
  const name = freshName('versioned');
  const first = await client.importKey(name, knownKey());
  const second = await client.createRsaKey(name);
  assert.deepEqual(await client.getKey(name), second);
  assert.deepEqual(await client.getKey(name, { version: first.properties.version }), first);
  assert.deepEqual(await client.getKey(name, { version: second.properties.version }), second);
});

test('get: a name in other letters is the same name', async () => {
  const name = freshName('Letters');
  const key = await client.importKey(name, knownKey());
  assert.equal((await client.getKey(name.toUpperCase())).id, key.id);
});

test('get: what is not there is not found', async () => {
  const name = freshName('missing');
  const missing = await refusal(client.getKey(name));
  assert.deepEqual([missing.status, missing.code], [404, 'KeyNotFound']);
  assert.match(missing.message, new RegExp(`^A key with \\(name/id\\) ${name} was not found in this key vault\\.`));
  await client.importKey(name, knownKey());
  const version = await refusal(client.getKey(name, { version: noVersion }));
  assert.deepEqual([version.status, version.code], [404, 'KeyNotFound']);
  assert.ok(version.message.includes(`${name}/${noVersion}`), version.message);
});

test('update: attributes, operations and tags of a version', async () => {
  const name = freshName('updated');
  const first = await client.importKey(name, knownKey(), { tags: { a: '1' } });
  const second = await client.importKey(name, knownKey(), { tags: { a: '1' } });
  const expiresOn = new Date('2036-02-03T00:00:00Z');
  const notBefore = new Date('2021-02-03T00:00:00Z');
  const changed = await client.updateKeyProperties(name, first.properties.version, {
    enabled: false, tags: { b: '2' }, keyOps: ['decrypt'], expiresOn, notBefore,
  });
  assert.equal(changed.id, first.id);
  assert.equal(changed.properties.enabled, false);
  assert.deepEqual(changed.properties.tags, { b: '2' });
  assert.deepEqual(changed.properties.expiresOn, expiresOn);
  assert.deepEqual(changed.properties.notBefore, notBefore);
  assert.deepEqual(changed.properties.createdOn, first.properties.createdOn);
  assert.deepEqual(changed.keyOperations, ['decrypt']);
  assert.deepEqual(await client.getKey(name, { version: first.properties.version }), changed);
  assert.deepEqual(await client.getKey(name), second);
});

test('update: without a version the newest; what is not named stays', async () => {
  const name = freshName('updated');
  const { properties } = await client.importKey(name, knownKey(), { enabled: false, tags: { a: '1' } });
  const changed = await client.updateKeyProperties(name, { enabled: true });
  assert.equal(changed.properties.version, properties.version);
  assert.equal(changed.properties.enabled, true);
  assert.deepEqual(changed.properties.tags, { a: '1' });
  assert.deepEqual(changed.keyOperations.toSorted(), rsaOperations);
});

test('update: of nothing is not found', async () => {
  const name = freshName('missing');
  assert.deepEqual(await verdict(client.updateKeyProperties(name, { enabled: true })), [404, 'KeyNotFound']);
  await client.importKey(name, knownKey());
  assert.deepEqual(await verdict(client.updateKeyProperties(name, noVersion, { enabled: true })), [404, 'KeyNotFound']);
});

const served = ['7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6-preview.2', '7.6', '2025-07-01', '2026-04-01'];
for (const serviceVersion of served) {
  test(`api-version ${serviceVersion} is served`, async () => {
    const name = freshName('served');
    const older = keyClient('FULL', { serviceVersion });
    const key = await older.importKey(name, knownKey());
    assert.equal((await older.getKey(name)).id, key.id);
  });
}

for (const serviceVersion of ['2016-10-01', '6.9', 'newest']) {
  test(`api-version ${serviceVersion} is refused`, async () => {
    const odd = keyClient('FULL', { serviceVersion });
    assert.deepEqual(await verdict(odd.getKey(freshName('any'))), [400, 'BadParameter']);
  });
}
