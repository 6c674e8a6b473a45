// @azure/identity: the identity of a virtual machine, from its metadata service (IMDS).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DefaultAzureCredential } from '@azure/identity';
import { appId, otherTenant } from './clients.mjs';
import { credential, endpoint, scope, works } from './managed-identity.mjs';

process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = endpoint;

test('an identity that is not the machine\'s', async () => {
  await assert.rejects(credential({ clientId: otherTenant }).getToken(scope), /Identity not found/);
});

test('a resource that nobody has: AADSTS500011', async () => {
  await assert.rejects(credential().getToken('https://nothing.example/.default'), /AADSTS500011/);
});

test('the identity of the machine', () => works(credential()));

test('the identity of the machine, by its client id', () => works(credential({ clientId: appId('MANAGED') })));

test('the default credential', () => works(new DefaultAzureCredential({ retryOptions: { maxRetries: 0 } })));
