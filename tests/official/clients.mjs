// The clients of the suite, as a program would make them. Nothing of theirs is switched off but instance discovery, which
// asks login.microsoftonline.com about authorities that are not Microsoft's; their documentation has it for private clouds.
// The verification of the challenge's resource stays on.
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

export const vaultUrl = 'https://local.vault.localhost';

const quick = { retryOptions: { maxRetries: 3, retryDelayInMs: 1, maxRetryDelayInMs: 20 } };

export function credentialOf(app) {
  const { AKVD_TENANT, [`AKVD_${app}_ID`]: id, [`AKVD_${app}_SECRET`]: secret } = process.env;
  return new ClientSecretCredential(AKVD_TENANT, id, secret, {
    authorityHost: 'https://login.localhost',
    disableInstanceDiscovery: true,
    ...quick,
  });
}

// FULL may do everything; BLIND may use keys, but not get them, so that its client computes nothing by itself.
export function keyClient(app = 'FULL', options = {}) {
  return new KeyClient(vaultUrl, credentialOf(app), { ...quick, ...options });
}

export async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

let number = 0;
export function freshName(what) {
  return `${what}-${++number}-${process.pid}`;
}

// The error that a promise ends with: status, code of the service.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { status: error.statusCode, code: error.code, message: error.message };
  }
  return {};
}
