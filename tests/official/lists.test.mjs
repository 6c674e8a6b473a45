// KeyClient: lists of keys and of versions, over more pages than one. 25 items are a page unless a client wants fewer.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { all, freshName, keyClient, knownKey, recorder } from './clients.mjs';

const { seen, options } = recorder();
const client = keyClient('FULL', options);
const names = Array.from({ length: 28 }, () => freshName('listed'));

before(async () => {
  const tags = { part: 'lists' };
  for (const name of names) await client.importKey(name, knownKey(), { tags });
  for (let i = 1; i < 28; i++) await client.importKey(names[0], knownKey(), { enabled: i % 2 === 0 });
});

// The requests for pages that ${run} sends.
async function pagesOf(run) {
  const from = seen.length;
  const result = await run();
  return { result, sent: seen.slice(from).map((entry) => new URL(entry.url)) };
}

test('keys: every one once, over two pages at least', async () => {
  const { result, sent } = await pagesOf(() => all(client.listPropertiesOfKeys()));
  const listed = result.map((key) => key.name);
  for (const name of names) assert.ok(listed.includes(name), name);
  assert.equal(new Set(listed).size, listed.length);
  assert.ok(sent.length >= 2, `${sent.length} requests`);
  assert.ok(sent[1].searchParams.get('$skiptoken'));
  assert.equal(sent[1].searchParams.get('api-version'), '2025-07-01');
});

test('keys: an item has the properties of the newest version, and no version', async () => {
  const newest = await client.getKey(names[0]);
  const item = (await all(client.listPropertiesOfKeys())).find((key) => key.name === names[0]);
  assert.equal(item.version, undefined);
  assert.equal(item.id, newest.id.slice(0, newest.id.lastIndexOf('/')));
  for (const member of ['enabled', 'createdOn', 'updatedOn', 'recoveryLevel', 'recoverableDays', 'tags', 'vaultUrl']) {
    assert.deepEqual(item[member], newest.properties[member], member);
  }
});

test('keys: tags are in the list', async () => {
  const item = (await all(client.listPropertiesOfKeys())).find((key) => key.name === names[1]);
  assert.deepEqual(item.tags, { part: 'lists' });
});

test('keys: pages are as long as a client wants', async () => {
  const { result, sent } = await pagesOf(() => all(client.listPropertiesOfKeys().byPage({ maxPageSize: 10 })));
  const sizes = result.map((page) => page.length);
  assert.ok(sizes.length >= 3 && sizes.every((size) => size <= 10), `${sizes}`);
  assert.ok(sent.every((url) => url.searchParams.get('maxresults') === '10'), `${sent}`);
  const listed = result.flat().map((key) => key.name);
  for (const name of names) assert.ok(listed.includes(name), name);
});

test('keys: one item a page', async () => {
  const sizes = [];
  for await (const page of client.listPropertiesOfKeys().byPage({ maxPageSize: 1 })) sizes.push(page.length);
  assert.ok(sizes.length >= names.length && sizes.every((size) => size <= 1), `${sizes}`);
});

test('versions: every one once, over two pages', async () => {
  const { result, sent } = await pagesOf(() => all(client.listPropertiesOfKeyVersions(names[0])));
  assert.equal(result.length, 28);
  assert.equal(new Set(result.map((each) => each.version)).size, 28);
  assert.ok(result.every((each) => each.name === names[0] && /^[0-9a-f]{32}$/.test(each.version)));
  assert.equal(result.filter((each) => !each.enabled).length, 14);
  assert.equal(sent.length, 2);
});

test('versions: of a key with one, over one page', async () => {
  const { result, sent } = await pagesOf(() => all(client.listPropertiesOfKeyVersions(names[1])));
  const { properties } = await client.getKey(names[1]);
  assert.deepEqual(result.map((each) => each.id), [properties.id]);
  assert.equal(sent.length, 1);
});

test('versions: pages are as long as a client wants', async () => {
  const pages = await all(client.listPropertiesOfKeyVersions(names[0]).byPage({ maxPageSize: 12 }));
  assert.deepEqual(pages.map((page) => page.length), [12, 12, 4]);
});
