// KeyClient: the attestation of a key.
// Waits for attestation: GET keys/{name}/{version}/attestation
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshName, hsmClient, verdict } from './clients.mjs';

const client = hsmClient();

test('a key of an HSM has an attestation', async () => {
  const key = await client.createRsaKey(freshName('attested'), { hsm: true });
  const attested = await client.getKeyAttestation(key.name, { version: key.properties.version });
  assert.equal(attested.id, key.id);
  const { attestation } = attested.properties;
  assert.ok(attestation.certificatePemFile.length > 0);
  assert.ok(attestation.privateKeyAttestation.length > 0);
  assert.ok(attestation.publicKeyAttestation.length > 0);
});

test('of nothing is not found', async () => {
  assert.deepEqual((await verdict(client.getKeyAttestation(freshName('missing'))))[0], 404);
});
