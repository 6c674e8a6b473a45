// The clients of the suite, as a program would make them. Nothing of theirs is switched off but instance discovery,
// which asks login.microsoftonline.com about authorities that are not Microsoft's; their documentation has it for
// private clouds. The verification of the challenge's resource stays on, that of certificates too; challenge.test.mjs
// looks.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';

export const vaultUrl = 'https://local.vault.localhost';
export const hsmUrl = 'https://hsm.managedhsm.localhost';
export const tenant = process.env.AKVD_TENANT;
export const otherTenant = '5f0c2e4a-6c1b-4d0e-9f67-0a1b2c3d4e5f'; // nobody's

const quick = { retryOptions: { maxRetries: 3, retryDelayInMs: 1, maxRetryDelayInMs: 20 } };

// Where to sign in: what every credential of @azure/identity is told here.
export const authority = { authorityHost: 'https://login.localhost', disableInstanceDiscovery: true, ...quick };

export const appId = (app) => process.env[`AKVD_${app}_ID`];
export const appSecret = (app) => process.env[`AKVD_${app}_SECRET`];

// FULL may do everything; BLIND may use keys, but not get them, so that its client computes nothing by itself; NONE may
// do nothing.
export function credentialOf(app, options = {}) {
  return new ClientSecretCredential(tenant, appId(app), appSecret(app), { ...authority, ...options });
}

export function keyClient(app = 'FULL', options = {}) {
  return new KeyClient(vaultUrl, credentialOf(app), { ...quick, ...options });
}

export function hsmClient(app = 'FULL', options = {}) {
  return new KeyClient(hsmUrl, credentialOf(app), { ...quick, ...options });
}

// near computes with the public half by itself what it can, far leaves everything to the vault.
export function cryptographyClients(key) {
  return {
    near: new CryptographyClient(key.id, credentialOf('FULL'), quick),
    far: new CryptographyClient(key.id, credentialOf('BLIND'), quick),
  };
}

// What goes over the wire, one entry for each request that is sent, repetitions too: options for a client; the list.
export function recorder() {
  const seen = [];
  const policy = {
    name: 'recorder',
    async sendRequest(request, next) {
      const entry = { method: request.method, url: request.url, body: request.body, headers: request.headers.toJSON() };
      seen.push(entry);
      const answer = await next(request);
      Object.assign(entry, { status: answer.status, answered: answer.headers.toJSON() });
      return answer;
    },
  };
  return { seen, options: { additionalPolicies: [{ policy, position: 'perRetry' }] } };
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

// What programs decide by when a promise ends with a RestError; of a promise that is kept, nothing.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error.name !== 'RestError') throw error;
    const { statusCode: status, code, message } = error;
    return { status, code, inner: error.details?.error?.innerError?.code, message };
  }
  return {};
}

// refusal() without the sentence, which is not always the real service's.
export async function verdict(promise) {
  const { status, code, inner } = await refusal(promise);
  return inner === undefined ? [status, code] : [status, code, inner];
}

export const hashOf = (algorithm) => `sha${/\d{3}/.exec(algorithm)[0]}`;
export const digestOf = (algorithm, data) => createHash(hashOf(algorithm)).update(data).digest();

const privateMembers = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];
const vectors = JSON.parse(await readFile(new URL('../vectors/azure-rsa.json', import.meta.url)));

// An RSA-2048 key of the real service's recordings: as JWK, and as importKey() wants it. Importing is the cheaper way.
export const knownJwk = vectors.import_request.key;
export function knownKey() {
  const members = privateMembers.map((member) => [member, Buffer.from(knownJwk[member], 'base64url')]);
  return { kty: 'RSA', ...Object.fromEntries(members) };
}
