// A vault in HSM mode: its challenge, its key types, and that RSA and EC keys work there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryptographyClient } from '@azure/keyvault-keys';
import { all, credentialOf, freshName, hsmClient, hsmUrl, knownKey, recorder, tenant, verdict } from './clients.mjs';

const client = hsmClient();
const soon = { intervalInMs: 5 };

test('the challenge is the HSM\'s, and its body empty', async () => {
  const { seen, options } = recorder();
  await hsmClient('FULL', options).createRsaKey(freshName('challenged'));
  assert.deepEqual(seen.map((entry) => entry.status), [401, 200]);
  const challenge = seen[0].answered['www-authenticate'];
  assert.equal(
    challenge, `Bearer authorization="https://login.localhost/${tenant}", resource="https://managedhsm.localhost"`,
  );
  assert.equal(seen[0].answered['content-length'], '0');
  for (const { answered } of seen) assert.match(answered['x-ms-server-latency'], /^\d+$/);
});

test('RSA becomes RSA-HSM, EC becomes EC-HSM', async () => {
  const rsa = await client.createRsaKey(freshName('kind'));
  assert.equal(rsa.keyType, 'RSA-HSM');
  assert.ok(rsa.id.startsWith(`${hsmUrl}/keys/`));
  assert.equal((await client.createEcKey(freshName('kind'), { hsm: true, curve: 'P-384' })).keyType, 'EC-HSM');
  assert.equal((await client.importKey(freshName('kind'), knownKey(), { hardwareProtected: true })).keyType, 'RSA-HSM');
});

test('wrap, unwrap, sign, verify', async () => {
  const key = await client.createRsaKey(freshName('use'), { hsm: true });
  const crypto = new CryptographyClient(key.id, credentialOf('FULL'));
  const { result } = await crypto.wrapKey('RSA-OAEP-256', Buffer.from('in the module'));
  assert.equal(Buffer.from((await crypto.unwrapKey('RSA-OAEP-256', result)).result).toString(), 'in the module');
  const signed = await crypto.signData('PS256', Buffer.from('data'));
  const digest = await import('node:crypto').then(({ createHash }) => createHash('sha256').update('data').digest());
  assert.equal((await crypto.verify('PS256', digest, signed.result)).result, true);
});

test('lists over several pages, whose links have no api-version', async () => {
  const names = Array.from({ length: 12 }, () => freshName('listed'));
  for (const name of names) await client.importKey(name, knownKey(), { hardwareProtected: true });
  const pages = await all(client.listPropertiesOfKeys().byPage({ maxPageSize: 5 }));
  assert.ok(pages.length >= 3);
  const listed = pages.flat().map((key) => key.name);
  for (const name of names) assert.ok(listed.includes(name), name);
});

test('delete, recover, delete, purge', async () => {
  const name = freshName('life');
  const key = await client.createRsaKey(name, { hsm: true });
  await (await client.beginDeleteKey(name, soon)).pollUntilDone();
  assert.equal((await (await client.beginRecoverDeletedKey(name, soon)).pollUntilDone()).id, key.id);
  await (await client.beginDeleteKey(name, soon)).pollUntilDone();
  await client.purgeDeletedKey(name);
  assert.equal((await verdict(client.getKey(name)))[0], 404);
});
