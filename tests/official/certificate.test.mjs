// @azure/identity: an application that signs in with a certificate instead of a secret.
// It is the application CERTIFICATE, and AKVD_CERTIFICATE_PEM the path of a PEM file with certificate and private key.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientAssertionCredential, ClientCertificateCredential, EnvironmentCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import { appId, authority, freshName, knownKey, tenant, vaultUrl } from './clients.mjs';

const certificatePath = process.env.AKVD_CERTIFICATE_PEM;

async function works(credential) {
  const client = new KeyClient(vaultUrl, credential);
  const name = freshName('signed-in');
  await client.importKey(name, knownKey());
  assert.equal((await client.getKey(name)).name, name);
}

for (const sendCertificateChain of [false, true]) {
  test(`a certificate, ${sendCertificateChain ? 'sent along' : 'by its thumbprint'}`, async () => {
    const options = { ...authority, sendCertificateChain };
    await works(new ClientCertificateCredential(tenant, appId('CERTIFICATE'), { certificatePath }, options));
  });
}

test('the environment: tenant, client and certificate', async () => {
  Object.assign(process.env, {
    AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: appId('CERTIFICATE'), AZURE_CLIENT_CERTIFICATE_PATH: certificatePath,
  });
  await works(new EnvironmentCredential(authority));
});

test('a certificate of another application: AADSTS700027', async () => {
  const credential = new ClientCertificateCredential(tenant, appId('FULL'), { certificatePath }, authority);
  await assert.rejects(credential.getToken('https://vault.localhost/.default'), /AADSTS700027/);
});

test('an assertion that is none: AADSTS', async () => {
  const credential = new ClientAssertionCredential(tenant, appId('CERTIFICATE'), async () => 'none', authority);
  await assert.rejects(credential.getToken('https://vault.localhost/.default'), /AADSTS\d+/);
});
