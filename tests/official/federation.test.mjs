// @azure/identity: an application that signs in with an identity of another issuer (workload identity federation).
//
// It is the application FEDERATED, which trusts the workload AKVD_ISSUER_SUBJECT of the issuer https://issuer.localhost;
// AKVD_ISSUER_KEY is the path of the issuer's private key, which has the kid "official".
import assert from 'node:assert/strict';
import { createSign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ClientAssertionCredential, DefaultAzureCredential, WorkloadIdentityCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import { appId, authority, freshName, knownKey, tenant, vaultUrl } from './clients.mjs';

const scope = 'https://vault.localhost/.default';
const subject = process.env.AKVD_ISSUER_SUBJECT;
const issuerKey = await readFile(process.env.AKVD_ISSUER_KEY);
let folder, tokenFilePath;

// What an issuer such as Kubernetes would put into a file of the workload.
function issued(claims = {}, header = {}) {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'RS256', kid: 'official', ...header },
    { iss: 'https://issuer.localhost', sub: subject, aud: ['api://AzureADTokenExchange'], iat: now, nbf: now,
      exp: now + 3600, 'kubernetes.io': { namespace: 'default' }, ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${parts}.${createSign('RSA-SHA256').update(parts).sign(issuerKey).toString('base64url')}`;
}

async function works(credential) {
  const client = new KeyClient(vaultUrl, credential);
  const name = freshName('federated');
  await client.importKey(name, knownKey());
  assert.equal((await client.getKey(name)).name, name);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'official-federation-'));
  tokenFilePath = join(folder, 'token');
  await writeFile(tokenFilePath, issued());
});
after(() => rm(folder, { recursive: true }));

test('a file with a token of the issuer', async () => {
  await works(new WorkloadIdentityCredential({ tenantId: tenant, clientId: appId('FEDERATED'), tokenFilePath,
    ...authority }));
});

for (const Credential of [WorkloadIdentityCredential, DefaultAzureCredential]) {
  test(`the environment that Kubernetes makes, for ${Credential.name}`, async () => {
    Object.assign(process.env, {
      AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: appId('FEDERATED'), AZURE_FEDERATED_TOKEN_FILE: tokenFilePath,
      AZURE_AUTHORITY_HOST: authority.authorityHost,
    });
    const { authorityHost: _, ...rest } = authority;
    await works(new Credential(rest));
  });
}

for (const [what, code, claims, header] of [
  ['an issuer that is not trusted', 700211, { iss: 'https://other.localhost' }],
  ['another workload', 700213, { sub: 'system:serviceaccount:default:other' }],
  ['the workload in another case', 7002138, { sub: subject.toUpperCase() }],
  ['another audience', 700212, { aud: 'https://vault.localhost' }],
  ['a key that the issuer does not have', 7000272, {}, { kid: 'other' }],
  ['a token that has ended', 700024, { exp: 1700000000 }],
]) {
  test(`${what}: AADSTS${code}`, async () => {
    const credential = new ClientAssertionCredential(tenant, appId('FEDERATED'), async () => issued(claims, header),
      authority);
    await assert.rejects(credential.getToken(scope), new RegExp(`AADSTS${code}:`));
  });
}

test('an application that trusts no issuer: AADSTS70021', async () => {
  const credential = new ClientAssertionCredential(tenant, appId('FULL'), async () => issued(), authority);
  await assert.rejects(credential.getToken(scope), /AADSTS70021:/);
});
