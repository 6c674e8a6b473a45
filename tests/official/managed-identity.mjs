// What the files about managed identities share. Each has a process of its own: the client looks once, in the
// environment, which place of Azure it is in, and keeps its tokens for all of the process. MANAGED is the application
// whose tokens akvd gives at AKVD_FAKE_IDENTITY, with the header of App Service in the file AKVD_FAKE_HEADER and the
// files of Azure Arc in the folder AKVD_FAKE_ARC.
import assert from 'node:assert/strict';
import { ManagedIdentityCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';
import { appId, freshName, knownKey, vaultUrl } from './clients.mjs';

export const scope = 'https://vault.localhost/.default';
export const endpoint = `http://${process.env.AKVD_FAKE_IDENTITY}`;

const once = { retryOptions: { maxRetries: 0 } };

export const credential = (options = {}) => new ManagedIdentityCredential({ ...once, ...options });

// A token of MANAGED that lives a day and opens the vault.
export async function works(credential) {
  const { token, expiresOnTimestamp } = await credential.getToken(scope);
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.equal(claims.appid, appId('MANAGED'));
  assert.ok(Math.abs(expiresOnTimestamp - Date.now() - 86400000) < 120000);
  const client = new KeyClient(vaultUrl, credential);
  const name = freshName('managed');
  await client.importKey(name, knownKey());
  assert.equal((await client.getKey(name)).name, name);
}
