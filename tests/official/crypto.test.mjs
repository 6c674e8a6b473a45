// CryptographyClient: with a key that it may get it does public operations itself, so both sides are compared; without,
// everything is the vault's.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { CryptographyClient } from '@azure/keyvault-keys';
import { credentialOf, freshName, keyClient } from './clients.mjs';

const client = keyClient();
let key;
let near;
let far;

before(async () => {
  key = await client.createRsaKey(freshName('crypto'));
  near = new CryptographyClient(key.id, credentialOf('FULL'));
  far = new CryptographyClient(key.id, credentialOf('BLIND'));
});

for (const algorithm of ['RSA1_5', 'RSA-OAEP', 'RSA-OAEP-256']) {
  test(`${algorithm}: what either side encrypts, the vault decrypts`, async () => {
    const plaintext = randomBytes(32);
    for (const side of [near, far]) {
      const { result, keyID } = await side.encrypt({ algorithm, plaintext });
      assert.equal(keyID, key.id);
      const back = await far.decrypt({ algorithm, ciphertext: result });
      assert.deepEqual(Buffer.from(back.result), plaintext);
    }
  });

  test(`${algorithm}: what either side wraps, the vault unwraps`, async () => {
    const secret = randomBytes(32);
    for (const side of [near, far]) {
      const { result } = await side.wrapKey(algorithm, secret);
      const back = await far.unwrapKey(algorithm, result);
      assert.deepEqual(Buffer.from(back.result), secret);
    }
  });
}

for (const algorithm of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']) {
  test(`${algorithm}: what the vault signs, either side verifies`, async () => {
    const data = Buffer.from('signed by a key that never leaves the vault');
    const digest = createHash(`sha${algorithm.slice(2)}`).update(data).digest();
    const { result } = await far.sign(algorithm, digest);
    for (const side of [near, far]) {
      assert.equal((await side.verify(algorithm, digest, result)).result, true);
      const other = Uint8Array.from(result);
      other[17] ^= 1;
      assert.equal((await side.verify(algorithm, digest, other)).result, false);
    }
    const signed = await far.signData(algorithm, data);
    assert.equal((await far.verifyData(algorithm, data, signed.result)).result, true);
  });
}

test('a ciphertext that was changed is refused', async () => {
  const { result } = await far.encrypt({ algorithm: 'RSA-OAEP-256', plaintext: randomBytes(16) });
  const changed = Uint8Array.from(result);
  changed[9] ^= 1;
  await assert.rejects(far.decrypt({ algorithm: 'RSA-OAEP-256', ciphertext: changed }), { statusCode: 400, code: 'BadParameter' });
});

test('a disabled key does nothing', async () => {
  const other = await client.createRsaKey(freshName('disabled'), { enabled: false });
  const crypto = new CryptographyClient(other.id, credentialOf('BLIND'));
  await assert.rejects(crypto.unwrapKey('RSA-OAEP', randomBytes(256)), { statusCode: 403, code: 'Forbidden' });
});
