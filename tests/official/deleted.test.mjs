// KeyClient: soft delete, with the pollers of the long-running operations.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, freshName, keyClient, knownKey, recorder, refusal, verdict } from './clients.mjs';

const client = keyClient();
const soon = { intervalInMs: 5 };
const day = 24 * 3600 * 1000;

async function deletedKey(what, options = {}) {
  const name = freshName(what);
  const made = await client.importKey(name, knownKey(), options);
  const poller = await client.beginDeleteKey(name, soon);
  return { name, made, deleted: await poller.pollUntilDone() };
}

test('delete: the poller ends with the deleted key', async () => {
  const { name, made, deleted } = await deletedKey('deleted', { tags: { a: '1' }, enabled: false });
  assert.equal(deleted.name, name);
  assert.equal(deleted.id, made.id);
  assert.deepEqual(deleted.key.n, made.key.n);
  assert.deepEqual(deleted.properties.tags, { a: '1' });
  assert.equal(deleted.properties.enabled, false);
  assert.equal(deleted.properties.recoveryId, `${made.properties.vaultUrl}/deletedkeys/${name}`);
  const { deletedOn, scheduledPurgeDate } = deleted.properties;
  assert.ok(Math.abs(deletedOn - Date.now()) < 60000);
  assert.equal(scheduledPurgeDate - deletedOn, 90 * day);
});

test('delete: the poller is done at once where a key is deleted at once', async () => {
  const name = freshName('deleted');
  await client.importKey(name, knownKey());
  const poller = await client.beginDeleteKey(name, soon);
  assert.equal(poller.isDone(), true);
  assert.equal(poller.getResult().name, name);
});

test('delete: a poller goes on where another one was', async () => {
  const name = freshName('deleted');
  await client.importKey(name, knownKey());
  const poller = await client.beginDeleteKey(name, soon);
  const second = await client.beginDeleteKey(name, { ...soon, resumeFrom: poller.toString() });
  assert.equal((await second.pollUntilDone()).name, name);
});

test('delete: all versions go, and the name stays taken', async () => {
  const { name, made } = await deletedKey('deleted');
  assert.equal((await refusal(client.getKey(name))).code, 'KeyNotFound');
  assert.equal((await refusal(client.getKey(name, { version: made.properties.version }))).code, 'KeyNotFound');
  assert.deepEqual(await verdict(client.updateKeyProperties(name, { enabled: true })), [404, 'KeyNotFound']);
  assert.ok((await all(client.listPropertiesOfKeys())).every((key) => key.name !== name));
  const taken = [409, 'Conflict', 'ObjectIsDeletedButRecoverable'];
  assert.deepEqual(await verdict(client.createRsaKey(name)), taken);
  assert.deepEqual(await verdict(client.importKey(name, knownKey())), taken);
});

test('delete: of nothing is not found', async () => {
  const { name } = await deletedKey('deleted');
  assert.deepEqual(await verdict(client.beginDeleteKey(name)), [404, 'KeyNotFound']);
  assert.deepEqual(await verdict(client.beginDeleteKey(freshName('missing'))), [404, 'KeyNotFound']);
});

test('get deleted: what the poller ended with', async () => {
  const { name, deleted } = await deletedKey('looked-at');
  assert.deepEqual(await client.getDeletedKey(name), deleted);
});

test('get deleted: of nothing is not found', async () => {
  const name = freshName('there');
  await client.importKey(name, knownKey());
  const { status, code, message } = await refusal(client.getDeletedKey(name));
  assert.deepEqual([status, code, message], [404, 'KeyNotFound', `Deleted Key not found: ${name}`]);
});

test('list deleted: every one once, over two pages', async () => {
  const { seen, options } = recorder();
  const watched = keyClient('FULL', options);
  const made = [];
  for (let i = 0; i < 27; i++) made.push(await deletedKey('listed'));
  const items = await all(watched.listDeletedKeys());
  assert.equal(new Set(items.map((item) => item.name)).size, items.length);
  for (const { name, deleted } of made) {
    const item = items.find((each) => each.name === name);
    assert.ok(item, name);
    assert.equal(item.id, deleted.id.slice(0, deleted.id.lastIndexOf('/')));
    for (const member of ['recoveryId', 'deletedOn', 'scheduledPurgeDate', 'enabled', 'createdOn']) {
      assert.deepEqual(item.properties[member], deleted.properties[member], member);
    }
  }
  assert.ok(seen.filter((entry) => entry.status === 200).length >= 2);
  const pages = await all(watched.listDeletedKeys().byPage({ maxPageSize: 7 }));
  assert.ok(pages.length >= 4 && pages.every((page) => page.length <= 7));
});

test('recover: everything is as it was', async () => {
  const name = freshName('recovered');
  const first = await client.importKey(name, knownKey(), { tags: { a: '1' } });
  const second = await client.createRsaKey(name);
  await (await client.beginDeleteKey(name, soon)).pollUntilDone();
  const poller = await client.beginRecoverDeletedKey(name, soon);
  const back = await poller.pollUntilDone();
  assert.equal(back.id, second.id);
  assert.deepEqual(back.key.n, second.key.n);
  assert.deepEqual(await client.getKey(name, { version: first.properties.version }), first);
  assert.deepEqual(await client.getKey(name), second);
  assert.deepEqual(await verdict(client.getDeletedKey(name)), [404, 'KeyNotFound']);
});

test('recover: of nothing is not found', async () => {
  assert.deepEqual(await verdict(client.beginRecoverDeletedKey(freshName('missing'))), [404, 'KeyNotFound']);
});

test('purge: what is gone is gone, and the name is free', async () => {
  const { name, made } = await deletedKey('purged');
  const { seen, options } = recorder();
  assert.equal(await keyClient('FULL', options).purgeDeletedKey(name), undefined);
  assert.deepEqual(seen.map((entry) => entry.status), [401, 204]);
  assert.deepEqual(await verdict(client.getDeletedKey(name)), [404, 'KeyNotFound']);
  assert.deepEqual(await verdict(client.beginRecoverDeletedKey(name)), [404, 'KeyNotFound']);
  const again = await client.createRsaKey(name);
  assert.notEqual(again.id, made.id);
  assert.equal((await all(client.listPropertiesOfKeyVersions(name))).length, 1);
});

test('purge: of nothing is not found', async () => {
  const name = freshName('there');
  await client.importKey(name, knownKey());
  assert.deepEqual(await verdict(client.purgeDeletedKey(name)), [404, 'KeyNotFound']);
  assert.equal((await client.getKey(name)).name, name);
});
