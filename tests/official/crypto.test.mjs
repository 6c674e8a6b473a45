// CryptographyClient with RSA keys: with a key that it may get it does public operations itself, so both sides are
// compared; without, everything is the vault's.
import assert from 'node:assert/strict';
import { constants, createPublicKey, publicEncrypt, randomBytes, verify } from 'node:crypto';
import { before, test } from 'node:test';
import { CryptographyClient } from '@azure/keyvault-keys';
import {
  cryptographyClients, digestOf, freshName, hashOf, keyClient, knownKey, recorder, verdict,
} from './clients.mjs';

const client = keyClient();
const data = Buffer.from('signed by a key that never leaves the vault');
let key;
let near;
let far;
let own; // the public half as Node.js has it: a third side

before(async () => {
  key = await client.createRsaKey(freshName('crypto'));
  ({ near, far } = cryptographyClients(key));
  const text = (bytes) => Buffer.from(bytes).toString('base64url');
  own = createPublicKey({ key: { kty: 'RSA', n: text(key.key.n), e: text(key.key.e) }, format: 'jwk' });
});

const paddings = {
  RSA1_5: { padding: constants.RSA_PKCS1_PADDING },
  'RSA-OAEP': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
  'RSA-OAEP-256': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
};

for (const [algorithm, padding] of Object.entries(paddings)) {
  test(`${algorithm}: what either side encrypts, the vault decrypts`, async () => {
    const plaintext = randomBytes(32);
    for (const side of [near, far]) {
      const sealed = await side.encrypt({ algorithm, plaintext });
      assert.equal(sealed.keyID, key.id);
      assert.equal(sealed.algorithm, algorithm);
      const back = await side.decrypt({ algorithm, ciphertext: sealed.result });
      assert.deepEqual(Buffer.from(back.result), plaintext);
      assert.equal(back.keyID, key.id);
    }
    const ciphertext = publicEncrypt({ key: own, ...padding }, plaintext);
    assert.deepEqual(Buffer.from((await far.decrypt({ algorithm, ciphertext })).result), plaintext);
  });

  test(`${algorithm}: what either side wraps, the vault unwraps`, async () => {
    const secret = randomBytes(32);
    for (const side of [near, far]) {
      const { result, keyID } = await side.wrapKey(algorithm, secret);
      assert.equal(keyID, key.id);
      assert.deepEqual(Buffer.from((await side.unwrapKey(algorithm, result)).result), secret);
    }
  });

  test(`${algorithm}: a ciphertext that was changed, cut or made for another padding is refused`, async () => {
    const { result } = await far.encrypt({ algorithm, plaintext: randomBytes(16) });
    const changed = Uint8Array.from(result);
    changed[9] ^= 1;
    const another = algorithm === 'RSA-OAEP' ? 'RSA-OAEP-256' : 'RSA-OAEP';
    assert.deepEqual(await verdict(far.decrypt({ algorithm: another, ciphertext: result })), [400, 'BadParameter']);
    assert.deepEqual(await verdict(far.unwrapKey(algorithm, result.slice(1))), [400, 'BadParameter']);
    // PKCS #1 v1.5 must not tell good from bad: OpenSSL makes what looks like a plaintext of a changed ciphertext.
    if (algorithm !== 'RSA1_5') {
      assert.deepEqual(await verdict(far.decrypt({ algorithm, ciphertext: changed })), [400, 'BadParameter']);
    }
  });

  test(`${algorithm}: what does not fit is refused`, async () => {
    assert.deepEqual(await verdict(far.encrypt({ algorithm, plaintext: randomBytes(256) })), [400, 'BadParameter']);
  });
}

for (const algorithm of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']) {
  test(`${algorithm}: what the vault signs, everybody verifies`, async () => {
    const digest = digestOf(algorithm, data);
    const { result, keyID } = await far.sign(algorithm, digest);
    assert.equal(keyID, key.id);
    for (const side of [near, far]) {
      assert.equal((await side.verify(algorithm, digest, result)).result, true);
      const other = Uint8Array.from(result);
      other[17] ^= 1;
      assert.equal((await side.verify(algorithm, digest, other)).result, false);
      assert.equal((await side.verify(algorithm, digestOf(algorithm, 'else'), result)).result, false);
    }
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digest.length };
    assert.equal(verify(hashOf(algorithm), data, { key: own, ...(algorithm.startsWith('PS') && pss) }, result), true);
  });

  test(`${algorithm}: data instead of a digest`, async () => {
    const { result } = await far.signData(algorithm, data);
    assert.equal((await far.verifyData(algorithm, data, result)).result, true);
    assert.equal((await far.verifyData(algorithm, Buffer.from('else'), result)).result, false);
    // By itself this client takes PKCS #1 v1.5 for PSS, too, and finds every such signature bad.
    if (algorithm.startsWith('RS')) assert.equal((await near.verifyData(algorithm, data, result)).result, true);
  });

  test(`${algorithm}: a digest of another length is refused`, async () => {
    assert.deepEqual(await verdict(far.sign(algorithm, randomBytes(20))), [400, 'BadParameter']);
  });
}

for (const keySize of [3072, 4096]) {
  test(`${keySize} bits: wrap and sign`, async () => {
    const { far: other } = cryptographyClients(await client.createRsaKey(freshName('long'), { keySize }));
    const secret = randomBytes(32);
    const { result } = await other.wrapKey('RSA-OAEP-256', secret);
    assert.equal(result.length, keySize / 8);
    assert.deepEqual(Buffer.from((await other.unwrapKey('RSA-OAEP-256', result)).result), secret);
    const signed = await other.signData('PS512', data);
    assert.equal((await other.verifyData('PS512', data, signed.result)).result, true);
  });
}

test('algorithms of other kinds are refused', async () => {
  const digest = digestOf('ES256', data);
  assert.deepEqual(await verdict(far.sign('ES256', digest)), [400, 'BadParameter']);
  assert.deepEqual(await verdict(far.sign('RSA-OAEP', digest)), [400, 'BadParameter']);
  assert.deepEqual(await verdict(far.wrapKey('RS256', digest)), [400, 'BadParameter']);
  assert.deepEqual(await verdict(far.encrypt({ algorithm: 'A256GCM', plaintext: digest })), [400, 'BadParameter']);
});

test('a client of a KeyClient: the newest version, or one that is named', async () => {
  const name = freshName('made');
  const first = await client.createRsaKey(name);
  const newest = client.getCryptographyClient(name);
  const pinned = client.getCryptographyClient(name, { keyVersion: first.properties.version });
  const secret = randomBytes(32);
  const { result } = await pinned.wrapKey('RSA-OAEP', secret);
  assert.deepEqual(Buffer.from((await newest.unwrapKey('RSA-OAEP', result)).result), secret);

  await client.createRsaKey(name);
  const later = client.getCryptographyClient(name);
  assert.deepEqual(await verdict(later.unwrapKey('RSA-OAEP', result)), [400, 'BadParameter']);
  assert.deepEqual(Buffer.from((await pinned.unwrapKey('RSA-OAEP', result)).result), secret);
});

test('a client without a version asks without one, and what it wrapped names the version', async () => {
  const name = freshName('bare');
  const made = await client.createRsaKey(name);
  const { seen, options } = recorder();
  const { far: other } = cryptographyClients({ id: `${new URL(made.id).origin}/keys/${name}` });
  const watched = keyClient('BLIND', options).getCryptographyClient(name);
  const { result } = await watched.wrapKey('RSA-OAEP', randomBytes(32));
  assert.equal((await other.unwrapKey('RSA-OAEP', result)).result.length, 32);
  assert.match(new URL(seen.at(-1).url).pathname, new RegExp(`^/keys/${name}/+wrapkey$`));
});

test('a public half alone needs no vault', async () => {
  const local = new CryptographyClient(key.key);
  const { result } = await local.encrypt({ algorithm: 'RSA-OAEP', plaintext: data });
  assert.deepEqual(Buffer.from((await far.decrypt({ algorithm: 'RSA-OAEP', ciphertext: result })).result), data);
});

// What may be done with a key: [what it is, how it is made, what each operation answers].
const good = [undefined, undefined];
const disabled = [403, 'Forbidden', 'KeyDisabled'];
const notPermitted = [403, 'Forbidden', 'KeyOperationForbidden'];
const notYet = [403, 'Forbidden', 'KeyNotYetValid'];
const expired = [403, 'Forbidden', 'KeyExpired'];
const uses = [
  ['disabled', { enabled: false }, disabled, disabled],
  ['not yet valid', { notBefore: new Date('2037-01-01T00:00:00Z') }, notYet, good],
  ['expired', { expiresOn: new Date('2020-01-01T00:00:00Z') }, expired, good],
  ['for reading only', { keyOps: ['decrypt', 'unwrapKey', 'verify'] }, notPermitted, good],
  ['for nothing', { keyOps: [] }, notPermitted, notPermitted],
];

for (const [what, options, writes, reads] of uses) {
  test(`a key that is ${what}: new uses, and reading what is there`, async () => {
    const name = freshName('use');
    const made = await client.importKey(name, knownKey());
    const { far: other } = cryptographyClients(made);
    const sealed = (await other.wrapKey('RSA-OAEP', randomBytes(16))).result;
    const signature = (await other.signData('RS256', data)).result;
    await client.updateKeyProperties(name, made.properties.version, options);

    assert.deepEqual(await verdict(other.encrypt({ algorithm: 'RSA-OAEP', plaintext: data })), writes);
    assert.deepEqual(await verdict(other.wrapKey('RSA-OAEP', data)), writes);
    assert.deepEqual(await verdict(other.signData('RS256', data)), writes);
    assert.deepEqual(await verdict(other.decrypt({ algorithm: 'RSA-OAEP', ciphertext: sealed })), reads);
    assert.deepEqual(await verdict(other.unwrapKey('RSA-OAEP', sealed)), reads);
    assert.deepEqual(await verdict(other.verifyData('RS256', data, signature)), reads);
  });
}
