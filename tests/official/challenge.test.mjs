// How a client finds out where to sign in, what it checks before a token leaves, and what is in every answer.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import {
  appId, appSecret, authority, credentialOf, freshName, keyClient, knownKey, otherTenant, recorder, refusal, tenant,
  vaultUrl,
} from './clients.mjs';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// A credential that counts what it is asked for.
function counted(credential) {
  const asked = [];
  return {
    asked,
    getToken(scopes, options) {
      asked.push({ scopes, ...options });
      return credential.getToken(scopes, options);
    },
  };
}

test('the first request goes without token and body; the challenge brings both', async () => {
  const { seen, options } = recorder();
  const credential = counted(credentialOf('FULL'));
  const client = new KeyClient(vaultUrl, credential, options);
  await client.importKey(freshName('challenged'), knownKey());
  assert.deepEqual(seen.map((entry) => entry.status), [401, 200]);
  assert.equal(seen[0].headers.authorization, undefined);
  assert.ok(!seen[0].body);
  assert.equal(
    seen[0].answered['www-authenticate'],
    `Bearer authorization="https://login.localhost/${tenant}", resource="https://vault.localhost"`,
  );
  assert.match(seen[1].headers.authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
  assert.ok(seen[1].body.includes('"kty":"RSA"'));
  assert.deepEqual(credential.asked.map((each) => each.scopes), [['https://vault.localhost/.default']]);
  assert.equal(credential.asked[0].tenantId, tenant);
});

test('a challenge is met once, its token kept', async () => {
  const { seen, options } = recorder();
  const credential = counted(credentialOf('FULL'));
  const client = new KeyClient(vaultUrl, credential, options);
  const name = freshName('kept');
  await client.importKey(name, knownKey());
  for (let i = 0; i < 3; i++) await client.getKey(name);
  assert.deepEqual(seen.map((entry) => entry.status), [401, 200, 200, 200, 200]);
  assert.equal(credential.asked.length, 1);
});

test('the verification of the resource is on: another one gets no token', async () => {
  const credential = counted(credentialOf('FULL'));
  const policy = {
    name: 'another resource',
    async sendRequest(request, next) {
      const answer = await next(request);
      const challenge = answer.headers.get('WWW-Authenticate');
      if (challenge) answer.headers.set('WWW-Authenticate', challenge.replace('vault.localhost', 'vault.azure.net'));
      return answer;
    },
  };
  const client = new KeyClient(vaultUrl, credential, { additionalPolicies: [{ policy, position: 'perRetry' }] });
  await assert.rejects(client.getKey('any'), /'vault\.azure\.net' does not match the requested domain/);
  assert.equal(credential.asked.length, 0);
});

test('the verification of certificates is on: without our authority nothing is said', async () => {
  const { NODE_EXTRA_CA_CERTS, ...env } = process.env;
  assert.ok(NODE_EXTRA_CA_CERTS);
  const ask = `
    import { keyClient } from '${new URL('./clients.mjs', import.meta.url)}';
    const options = { retryOptions: { maxRetries: 0 } };
    console.log(await keyClient('FULL', options).getKey('any').catch((error) => error.code));`;
  const network = new URL('./network.mjs', import.meta.url).href;
  const run = (environment) => promisify(execFile)(
    process.execPath, ['--import', network, '--input-type=module', '--eval', ask], { env: environment },
  );
  assert.match((await run(env)).stdout, /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF|GET_ISSUER)\w*)\n$/);
  assert.equal((await run(process.env)).stdout, 'KeyNotFound\n');
});

test('a certificate is for the names of the vault only', async () => {
  const options = { retryOptions: { maxRetries: 0 } };
  const client = new KeyClient('https://local.elsewhere.localhost', credentialOf('FULL'), options);
  await assert.rejects(client.getKey('any'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test('the tenant is the challenge\'s, for a credential that may go there', async () => {
  const name = freshName('tenant');
  await keyClient().importKey(name, knownKey());
  const abroad = (options) => new KeyClient(
    vaultUrl, new ClientSecretCredential(otherTenant, appId('FULL'), appSecret('FULL'), { ...authority, ...options }),
  );
  assert.equal((await abroad({ additionallyAllowedTenants: ['*'] }).getKey(name)).name, name);
  await assert.rejects(abroad({}).getKey(name), /not configured to acquire tokens for tenant/);
});

test('a token that is none is refused', async () => {
  const token = { token: 'none', expiresOnTimestamp: Date.now() + 3600000 };
  const client = new KeyClient(vaultUrl, { getToken: async () => token });
  const { status, code } = await refusal(client.getKey('any'));
  assert.deepEqual([status, code], [401, 'Unauthorized']);
});

test('every answer has the headers of the service', async () => {
  const { seen, options } = recorder();
  const client = keyClient('FULL', options);
  const name = freshName('headers');
  await client.importKey(name, knownKey());
  await refusal(client.getKey(freshName('missing')));
  assert.deepEqual(seen.map((entry) => entry.status), [401, 200, 404]);
  for (const { headers, answered } of seen) {
    assert.equal(answered['x-ms-client-request-id'], headers['x-ms-client-request-id']);
    assert.match(answered['x-ms-request-id'], guid);
    assert.ok(answered['x-ms-keyvault-region']);
    assert.match(answered['x-ms-keyvault-service-version'], /^1\./);
    assert.equal(answered['cache-control'], 'no-cache');
    assert.equal(answered['content-type'], 'application/json; charset=utf-8');
    assert.ok(answered['date']);
  }
  assert.equal(new Set(seen.map((entry) => entry.answered['x-ms-request-id'])).size, seen.length);
});

// Signing in as an application without rights, or with fewer: [what is asked for, the permission that is missing].
const name = freshName('forbidden');
const drain = async (pages) => { for await (const each of pages) assert.fail(`${each}`); };
const attempts = [
  ['createRsaKey', 'create', (client) => client.createRsaKey(name)],
  ['importKey', 'import', (client) => client.importKey(name, knownKey())],
  ['getKey', 'get', (client) => client.getKey(name)],
  ['listPropertiesOfKeys', 'list', (client) => drain(client.listPropertiesOfKeys())],
  ['listPropertiesOfKeyVersions', 'list', (client) => drain(client.listPropertiesOfKeyVersions(name))],
  ['updateKeyProperties', 'update', (client) => client.updateKeyProperties(name, { enabled: false })],
  ['beginDeleteKey', 'delete', (client) => client.beginDeleteKey(name)],
  ['getDeletedKey', 'get', (client) => client.getDeletedKey(name)],
  ['listDeletedKeys', 'list', (client) => drain(client.listDeletedKeys())],
  ['beginRecoverDeletedKey', 'recover', (client) => client.beginRecoverDeletedKey(name)],
  ['purgeDeletedKey', 'purge', (client) => client.purgeDeletedKey(name)],
  ['encrypt', 'encrypt', (client) => client.getCryptographyClient(name).encrypt('RSA-OAEP', Buffer.from('x'))],
  ['decrypt', 'decrypt', (client) => client.getCryptographyClient(name).decrypt('RSA-OAEP', Buffer.alloc(256))],
  ['wrapKey', 'wrapKey', (client) => client.getCryptographyClient(name).wrapKey('RSA-OAEP', Buffer.from('x'))],
  ['unwrapKey', 'unwrapKey', (client) => client.getCryptographyClient(name).unwrapKey('RSA-OAEP', Buffer.alloc(256))],
  ['sign', 'sign', (client) => client.getCryptographyClient(name).sign('RS256', Buffer.alloc(32))],
  ['verify', 'verify', (client) => client.getCryptographyClient(name).verify('RS256', Buffer.alloc(32), Buffer.of(1))],
];

for (const [what, permission, attempt] of attempts) {
  test(`${what} without the permission ${permission} is forbidden`, async () => {
    const { status, code, inner, message } = await refusal(attempt(keyClient('NONE')));
    assert.deepEqual([status, code], [403, 'Forbidden']);
    if (what.startsWith('list')) return; // status and code are all that this client keeps of an error of a list
    assert.equal(inner, 'ForbiddenByPolicy');
    assert.match(message, new RegExp(`does not have keys ${permission} permission on key vault 'local;location=`));
  });
}
