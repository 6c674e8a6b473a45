// Elliptic-curve keys: made in the vault and brought along; what the vault signs, Node.js and both clients verify.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { cryptographyClients, freshName, keyClient, verdict } from './clients.mjs';

const client = keyClient();
const data = Buffer.from('signed on a curve');

const curves = [
  ['P-256', 'ES256', 'sha256', 32],
  ['P-384', 'ES384', 'sha384', 48],
  ['P-521', 'ES512', 'sha512', 66],
  ['P-256K', 'ES256K', 'sha256', 32],
];
const text = (bytes) => Buffer.from(bytes).toString('base64url');

for (const [curve, algorithm, hash, fieldBytes] of curves) {
  test(`${curve}: create, sign with ${algorithm}, verify everywhere`, async () => {
    const key = await client.createEcKey(freshName('ec'), { curve });
    assert.equal(key.keyType, 'EC');
    assert.equal(key.key.crv, curve);
    assert.equal(key.key.x.length, fieldBytes);
    assert.deepEqual(key.keyOperations, ['sign', 'verify']);

    const digest = createHash(hash).update(data).digest();
    const { near, far } = cryptographyClients(key);
    const { result } = await far.sign(algorithm, digest);
    assert.equal((await far.verify(algorithm, digest, result)).result, true);
    assert.equal((await near.verify(algorithm, digest, result)).result, true);

    const jwk = { kty: 'EC', crv: curve === 'P-256K' ? 'secp256k1' : curve, x: text(key.key.x), y: text(key.key.y) };
    const own = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
    assert.equal(verify(hash, data, own, result), true);
  });
}

test('import: a key of one\'s own keeps its point', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const jwk = privateKey.export({ format: 'jwk' });
  const bytes = (member) => Buffer.from(jwk[member], 'base64url');
  const key = await client.importKey(freshName('ec-imported'), {
    kty: 'EC', crv: 'P-384', x: bytes('x'), y: bytes('y'), d: bytes('d'), keyOps: ['sign', 'verify'],
  });
  assert.equal(text(key.key.x), jwk.x);
  const { far } = cryptographyClients(key);
  const { result } = await far.signData('ES384', data);
  assert.equal(verify('sha384', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }, result), true);
});

test('create: P-256 unless another curve is named; hardware says so', async () => {
  const key = await client.createEcKey(freshName('ec'), { hsm: true, tags: { a: '1' } });
  assert.equal(key.keyType, 'EC-HSM');
  assert.equal(key.key.crv, 'P-256');
  assert.deepEqual(key.properties.tags, { a: '1' });
});

test('create: a curve that nobody has is refused', async () => {
  assert.deepEqual(await verdict(client.createEcKey(freshName('ec'), { curve: 'P-224' })), [400, 'BadParameter']);
});

test('sign: digests of another length and algorithms of another curve are refused; so is encryption', async () => {
  const { far } = cryptographyClients(await client.createEcKey(freshName('ec'), { curve: 'P-256' }));
  assert.deepEqual(await verdict(far.sign('ES256', Buffer.alloc(48))), [400, 'BadParameter']);
  assert.deepEqual(await verdict(far.sign('ES384', Buffer.alloc(48))), [400, 'BadParameter']);
  assert.deepEqual(await verdict(far.sign('RS256', Buffer.alloc(32))), [400, 'BadParameter']);
  const forbidden = [403, 'Forbidden', 'KeyOperationForbidden'];
  assert.deepEqual(await verdict(far.wrapKey('RSA-OAEP', Buffer.alloc(32))), forbidden);
});

test('verify: a signature that was changed, cut or made for other data is none', async () => {
  const { far } = cryptographyClients(await client.createEcKey(freshName('ec'), { curve: 'P-384' }));
  const { result } = await far.signData('ES384', data);
  assert.equal((await far.verifyData('ES384', data, result)).result, true);
  assert.equal((await far.verifyData('ES384', Buffer.from('else'), result)).result, false);
  const changed = Uint8Array.from(result);
  changed[50] ^= 1;
  assert.equal((await far.verifyData('ES384', data, changed)).result, false);
});

test('get, list, delete and recover', async () => {
  const name = freshName('ec');
  const key = await client.createEcKey(name, { curve: 'P-521' });
  assert.deepEqual(await client.getKey(name), key);
  const deleted = await (await client.beginDeleteKey(name, { intervalInMs: 5 })).pollUntilDone();
  assert.deepEqual(deleted.key.x, key.key.x);
  const back = await (await client.beginRecoverDeletedKey(name, { intervalInMs: 5 })).pollUntilDone();
  assert.deepEqual(back.key, key.key);
});
