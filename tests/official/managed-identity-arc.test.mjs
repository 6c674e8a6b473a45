// @azure/identity: the identity of a server with Azure Arc.
//
// The client reads files of /var/opt/azcmagent/tokens only, which is the agent's. Here that path leads to akvd's folder,
// as network.mjs leads names to its port: in the header that names a file, and where the file is read.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'node:test';
import { createDefaultHttpClient } from '@azure/core-rest-pipeline';

const agents = '/var/opt/azcmagent/tokens/';
const ours = `${process.env.AKVD_FAKE_ARC}/`;
for (const name of ['statSync', 'readFileSync']) {
  const real = fs[name];
  fs[name] = (path, ...rest) => real(typeof path === 'string' ? path.replace(agents, ours) : path, ...rest);
}
syncBuiltinESMExports();

const { appId, otherTenant } = await import('./clients.mjs');
const { credential, endpoint, scope, works } = await import('./managed-identity.mjs');

Object.assign(process.env, {
  IDENTITY_ENDPOINT: `${endpoint}/metadata/identity/oauth2/token`, IMDS_ENDPOINT: endpoint,
});

const real = createDefaultHttpClient();
const statuses = [];
const httpClient = {
  async sendRequest(request) {
    const answer = await real.sendRequest(request);
    const challenge = answer.headers.get('www-authenticate');
    if (challenge) answer.headers.set('www-authenticate', challenge.replace(ours, agents));
    statuses.push(answer.status);
    return answer;
  },
};

test('an identity that is not the server\'s', async () => {
  await assert.rejects(credential({ httpClient, clientId: otherTenant }).getToken(scope), /Identity not found/);
});

test('the identity of the server: a challenge, and what is in its file', async () => {
  statuses.length = 0;
  await works(credential({ httpClient }));
  assert.deepEqual(statuses, [401, 200]);
  assert.deepEqual(fs.readdirSync(ours), []);
});

test('the identity of the server, by its client id', async () => {
  await works(credential({ httpClient, clientId: appId('MANAGED') }));
});
