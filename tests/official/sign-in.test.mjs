// @azure/identity: credentials, and what Entra says against them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainedTokenCredential, ClientSecretCredential, EnvironmentCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import {
  appId, appSecret, authority, credentialOf, freshName, keyClient, knownKey, otherTenant, tenant, vaultUrl,
} from './clients.mjs';

const scope = 'https://vault.localhost/.default';

function failed(credential, scopes = scope) {
  return credential.getToken(scopes).then(() => assert.fail('there was a token'), (error) => error);
}

test('a secret: a token that lives about an hour', async () => {
  const { token, expiresOnTimestamp } = await credentialOf('FULL').getToken(scope);
  assert.ok(Math.abs(expiresOnTimestamp - Date.now() - 3600000) < 120000);
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.equal(claims.aud, 'https://vault.localhost');
  assert.equal(claims.tid, tenant);
  assert.equal(claims.appid, appId('FULL'));
});

test('a credential keeps its token', async () => {
  const credential = credentialOf('FULL');
  const first = await credential.getToken(scope);
  assert.equal((await credential.getToken(scope)).token, first.token);
});

test('the environment: tenant, client and secret', async () => {
  Object.assign(process.env, {
    AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: appId('FULL'), AZURE_CLIENT_SECRET: appSecret('FULL'),
    AZURE_AUTHORITY_HOST: authority.authorityHost,
  });
  const { authorityHost: _, ...rest } = authority;
  const client = new KeyClient(vaultUrl, new EnvironmentCredential(rest));
  const name = freshName('environment');
  await client.importKey(name, knownKey());
  assert.equal((await client.getKey(name)).name, name);
});

test('a chain: the first credential that is available', async () => {
  const { AZURE_TENANT_ID: _, ...env } = process.env;
  process.env = env;
  const chain = new ChainedTokenCredential(new EnvironmentCredential(authority), credentialOf('FULL'));
  assert.ok((await chain.getToken(scope)).token);
});

test('a wrong secret: AADSTS7000215', async () => {
  const error = await failed(new ClientSecretCredential(tenant, appId('FULL'), 'not-the-secret', authority));
  assert.equal(error.name, 'AuthenticationRequiredError');
  assert.match(error.message, /AADSTS7000215/);
});

test('an unknown application: AADSTS700016', async () => {
  const error = await failed(new ClientSecretCredential(tenant, otherTenant, 'any', authority));
  assert.match(error.message, /AADSTS700016/);
});

test('an unknown tenant: AADSTS90002', async () => {
  // The client asks for the configuration of the tenant first, and has its own words for an error there.
  const error = await failed(new ClientSecretCredential(otherTenant, appId('FULL'), appSecret('FULL'), authority));
  assert.match(error.message, /endpoints_resolution_error/);
  const answer = await fetch(`${authority.authorityHost}/${otherTenant}/v2.0/.well-known/openid-configuration`);
  const body = await answer.json();
  assert.deepEqual([answer.status, body.error_codes], [400, [90002]]);
  assert.match(body.error_description, /^AADSTS90002: /);
});

test('a resource that nobody has is no resource', async () => {
  const error = await failed(credentialOf('FULL'), 'https://nothing.example/.default');
  assert.match(error.message, /AADSTS\d+/);
});

test('a client hands the error on', async () => {
  const wrong = new ClientSecretCredential(tenant, appId('FULL'), 'not-the-secret', authority);
  const client = new KeyClient(vaultUrl, wrong);
  await assert.rejects(client.getKey('any'), /AADSTS7000215/);
});

test('another application, another right', async () => {
  const name = freshName('rights');
  await keyClient().importKey(name, knownKey());
  await assert.rejects(keyClient('BLIND').getKey(name), { statusCode: 403 });
  assert.equal((await keyClient('FULL').getKey(name)).name, name);
});
