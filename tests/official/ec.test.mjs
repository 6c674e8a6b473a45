// Elliptic-curve keys: made in the vault and brought along; what the vault signs, Node.js and both kinds of client verify.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { CryptographyClient } from '@azure/keyvault-keys';
import { credentialOf, freshName, keyClient } from './clients.mjs';

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
    const far = new CryptographyClient(key.id, credentialOf('BLIND'));
    const near = new CryptographyClient(key.id, credentialOf('FULL'));
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
  const far = new CryptographyClient(key.id, credentialOf('BLIND'));
  const { result } = await far.signData('ES384', data);
  assert.equal(verify('sha384', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }, result), true);
});
