// KeyClient: the rotation policy of a key. That it is carried out needs a clock that moves: not this suite's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freshName, keyClient, knownKey, verdict } from './clients.mjs';

const client = keyClient();

async function someKey() {
  const name = freshName('policy');
  const { properties } = await client.importKey(name, knownKey());
  return { name, vaultUrl: properties.vaultUrl };
}

const byAction = (policy) => Object.fromEntries(policy.lifetimeActions.map((each) => [each.action, each]));

test('get: without a policy of its own a key has the service\'s, a notice 30 days before it expires', async () => {
  const { name } = await someKey();
  const policy = await client.getKeyRotationPolicy(name);
  assert.deepEqual(policy.lifetimeActions.map((each) => [each.action, each.timeBeforeExpiry]), [['Notify', 'P30D']]);
  assert.equal(policy.lifetimeActions[0].timeAfterCreate, undefined);
  assert.equal(policy.expiresIn, undefined);
});

test('update: what was set comes back', async () => {
  const { name, vaultUrl } = await someKey();
  const set = await client.updateKeyRotationPolicy(name, {
    expiresIn: 'P90D',
    lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P60D' }, { action: 'Notify', timeBeforeExpiry: 'P15D' }],
  });
  assert.equal(set.id, `${vaultUrl}/keys/${name}/rotationpolicy`);
  assert.equal(set.expiresIn, 'P90D');
  assert.equal(byAction(set).Rotate.timeAfterCreate, 'P60D');
  assert.equal(byAction(set).Notify.timeBeforeExpiry, 'P15D');
  assert.ok(Math.abs(set.createdOn - Date.now()) < 60000);
  assert.ok(set.updatedOn >= set.createdOn);
  assert.deepEqual(await client.getKeyRotationPolicy(name), set);
});

test('update: a rotation alone comes back with the notice', async () => {
  const { name } = await someKey();
  const set = await client.updateKeyRotationPolicy(name, {
    lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P2M' }],
  });
  assert.equal(byAction(set).Rotate.timeAfterCreate, 'P2M');
  assert.equal(byAction(set).Notify.timeBeforeExpiry, 'P30D');
});

test('update: the second policy replaces the first', async () => {
  const { name } = await someKey();
  await client.updateKeyRotationPolicy(name, {
    expiresIn: 'P1Y', lifetimeActions: [{ action: 'Rotate', timeBeforeExpiry: 'P30D' }],
  });
  const set = await client.updateKeyRotationPolicy(name, {
    expiresIn: 'P90D', lifetimeActions: [{ action: 'Notify', timeBeforeExpiry: 'P10D' }],
  });
  assert.equal(set.expiresIn, 'P90D');
  assert.deepEqual(Object.keys(byAction(set)), ['Notify']);
  assert.equal(byAction(set).Notify.timeBeforeExpiry, 'P10D');
});

const refused = [
  ['an expiry under 28 days', { expiresIn: 'P27D' }],
  ['a duration that is none', { expiresIn: 'ninety days' }],
  ['a notice after creation', { expiresIn: 'P90D', lifetimeActions: [{ action: 'Notify', timeAfterCreate: 'P30D' }] }],
  ['a rotation sooner than seven days', { lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P6D' }] }],
  ['a rotation without a time', { lifetimeActions: [{ action: 'Rotate' }] }],
  ['three actions', {
    expiresIn: 'P90D',
    lifetimeActions: [
      { action: 'Rotate', timeAfterCreate: 'P30D' }, { action: 'Rotate', timeAfterCreate: 'P40D' },
      { action: 'Notify', timeBeforeExpiry: 'P30D' },
    ],
  }],
];
for (const [what, policy] of refused) {
  test(`update: ${what} is refused`, async () => {
    const { name } = await someKey();
    const [status, code] = await verdict(client.updateKeyRotationPolicy(name, policy));
    assert.deepEqual([status, code], [400, 'BadParameter']);
  });
}

test('of nothing is not found', async () => {
  const name = freshName('missing');
  assert.deepEqual(await verdict(client.getKeyRotationPolicy(name)), [404, 'KeyNotFound']);
  assert.deepEqual(await verdict(client.updateKeyRotationPolicy(name, { expiresIn: 'P90D' })), [404, 'KeyNotFound']);
});

test('policies need their permissions', async () => {
  const { name } = await someKey();
  const forbidden = [403, 'Forbidden', 'ForbiddenByPolicy'];
  assert.deepEqual(await verdict(keyClient('NONE').getKeyRotationPolicy(name)), forbidden);
  assert.deepEqual(await verdict(keyClient('NONE').updateKeyRotationPolicy(name, { expiresIn: 'P90D' })), forbidden);
});
