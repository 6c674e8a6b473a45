// @azure/identity: the identity of an App Service.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { appId, otherTenant } from './clients.mjs';
import { credential, endpoint, scope, works } from './managed-identity.mjs';

const header = await readFile(process.env.AKVD_FAKE_HEADER, 'utf8');
Object.assign(process.env, { IDENTITY_ENDPOINT: `${endpoint}/msi/token`, IDENTITY_HEADER: header });

test('an identity that is not the service\'s', async () => {
  await assert.rejects(credential({ clientId: otherTenant }).getToken(scope), /No User Assigned or Delegated/);
});

test('the identity of the service', () => works(credential()));

test('the identity of the service, by its client id', () => works(credential({ clientId: appId('MANAGED') })));
