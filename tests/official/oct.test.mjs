// Symmetric keys, of a Managed HSM: encryption with GCM, CBC and CBCPAD, wrapping with KW, signatures with HMAC.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CryptographyClient } from '@azure/keyvault-keys';
import { credentialOf, digestOf, freshName, hsmClient, keyClient, verdict } from './clients.mjs';

const client = hsmClient();
const sizes = [128, 192, 256];
const cryptoOf = (key) => new CryptographyClient(key.id, credentialOf('FULL'));

// A key that this side has, too.
async function sharedKey(bits, keyOps) {
  const k = randomBytes(bits / 8);
  const key = await client.importKey(
    freshName('shared'), { kty: 'oct-HSM', k, keyOps }, { hardwareProtected: true },
  );
  return { k, key, crypto: cryptoOf(key) };
}

for (const keySize of sizes) {
  test(`create: ${keySize} bits; the key stays where it is`, async () => {
    const key = await client.createOctKey(freshName('oct'), { hsm: true, keySize });
    assert.equal(key.keyType, 'oct-HSM');
    assert.equal(key.key.k, undefined);
    assert.deepEqual(key.keyOperations.toSorted(), ['decrypt', 'encrypt', 'unwrapKey', 'wrapKey']);
    assert.equal((await client.getKey(key.name)).id, key.id);
  });

  test(`A${keySize}GCM: the vault chooses the iv`, async () => {
    const { k, crypto } = await sharedKey(keySize);
    const plaintext = randomBytes(100);
    const additionalAuthenticatedData = Buffer.from('about it');
    const algorithm = `A${keySize}GCM`;
    const sealed = await crypto.encrypt({ algorithm, plaintext, additionalAuthenticatedData });
    assert.equal(sealed.iv.length, 12);
    assert.equal(sealed.authenticationTag.length, 16);
    const open = createDecipheriv(`aes-${keySize}-gcm`, k, sealed.iv);
    open.setAAD(additionalAuthenticatedData).setAuthTag(sealed.authenticationTag);
    assert.deepEqual(Buffer.concat([open.update(sealed.result), open.final()]), plaintext);

    const { iv, authenticationTag, result: ciphertext } = sealed;
    const whole = { algorithm, ciphertext, iv, authenticationTag, additionalAuthenticatedData };
    assert.deepEqual(Buffer.from((await crypto.decrypt(whole)).result), plaintext);
    const other = { ...whole, additionalAuthenticatedData: Buffer.from('about else') };
    assert.equal((await verdict(crypto.decrypt(other)))[0], 400);
    assert.notDeepEqual((await crypto.encrypt({ algorithm, plaintext })).iv, iv);
  });

  for (const [mode, length] of [['CBC', 64], ['CBCPAD', 50]]) {
    test(`A${keySize}${mode}: the caller's iv`, async () => {
      const { k, crypto } = await sharedKey(keySize);
      const plaintext = randomBytes(length);
      const iv = randomBytes(16);
      const algorithm = `A${keySize}${mode}`;
      const { result } = await crypto.encrypt({ algorithm, plaintext, iv });
      const own = createCipheriv(`aes-${keySize}-cbc`, k, iv).setAutoPadding(mode === 'CBCPAD');
      assert.deepEqual(Buffer.from(result), Buffer.concat([own.update(plaintext), own.final()]));
      assert.deepEqual(Buffer.from((await crypto.decrypt({ algorithm, ciphertext: result, iv })).result), plaintext);
    });
  }

  test(`A${keySize}KW: RFC 3394`, async () => {
    const { k, crypto } = await sharedKey(keySize);
    const secret = randomBytes(32);
    const { result } = await crypto.wrapKey(`A${keySize}KW`, secret);
    const own = createCipheriv(`id-aes${keySize}-wrap`, k, Buffer.alloc(8, 0xa6));
    assert.deepEqual(Buffer.from(result), Buffer.concat([own.update(secret), own.final()]));
    assert.deepEqual(Buffer.from((await crypto.unwrapKey(`A${keySize}KW`, result)).result), secret);
    const changed = Uint8Array.from(result);
    changed[3] ^= 1;
    assert.equal((await verdict(crypto.unwrapKey(`A${keySize}KW`, changed)))[0], 400);
  });
}

test('CBC without padding takes whole blocks only', async () => {
  const { crypto } = await sharedKey(256);
  const odd = { algorithm: 'A256CBC', plaintext: randomBytes(17), iv: randomBytes(16) };
  assert.equal((await verdict(crypto.encrypt(odd)))[0], 400);
});

test('an algorithm for keys of another length is refused', async () => {
  const { crypto } = await sharedKey(128);
  assert.equal((await verdict(crypto.wrapKey('A256KW', randomBytes(32))))[0], 400);
});

for (const algorithm of ['HS256', 'HS384', 'HS512']) {
  test(`${algorithm}: sign and verify`, async () => {
    const { k, crypto } = await sharedKey(256, ['sign', 'verify']);
    const digest = digestOf(algorithm, 'data');
    const { result } = await crypto.sign(algorithm, digest);
    assert.equal(result.length, createHmac(`sha${algorithm.slice(2)}`, k).update('').digest().length);
    assert.equal((await crypto.verify(algorithm, digest, result)).result, true);
    assert.equal((await crypto.verify(algorithm, digestOf(algorithm, 'else'), result)).result, false);
  });
}

test('a vault that is no HSM takes no symmetric keys', async () => {
  const name = freshName('oct');
  assert.deepEqual(await verdict(keyClient().createOctKey(name, {})), [400, 'BadParameter', 'KeyTypeNotSupported']);
});
