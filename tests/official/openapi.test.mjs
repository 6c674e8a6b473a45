// The examples of the published OpenAPI, replayed: what is sent is theirs, with a key of our own wherever theirs is
// needed, and every answer, refusals too, is valid by its schema, without any member that the schema does not name.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { test } from 'node:test';
import { credentialOf, hsmUrl, vaultUrl } from './clients.mjs';
import { faultsOf, operations } from './openapi.mjs';

const scopes = { [vaultUrl]: 'https://vault.localhost/.default', [hsmUrl]: 'https://managedhsm.localhost/.default' };
const credentials = { FULL: credentialOf('FULL'), NONE: credentialOf('NONE') };
const version = '7.5'; // that of every example

// --- one request ----------------------------------------------------------------------------------------------------

async function send(method, url, { body, app = 'FULL', at = vaultUrl } = {}) {
  const headers = {};
  if (app !== null) headers.authorization = `Bearer ${(await credentials[app].getToken(scopes[at])).token}`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET') headers['content-length'] = Buffer.byteLength(text ?? '');
  return new Promise((resolve, reject) => {
    const asked = request(new URL(url, at), { method, headers }, async (answer) => {
      const parts = [];
      for await (const part of answer) parts.push(part);
      const got = Buffer.concat(parts).toString('utf8');
      resolve({ status: answer.statusCode, headers: answer.headers, body: got === '' ? undefined : JSON.parse(got) });
    });
    asked.on('error', reject);
    asked.end(text);
  });
}

const at = (path, query = '') => `/${path}?api-version=${version}${query}`;

async function must(status, ...args) {
  const answer = await send(...args);
  assert.equal(answer.status, status, `${args[0]} ${args[1]}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

// --- what has to be there before each example ------------------------------------------------------------------------

// Made with whatever an answer may have, so that all of it is looked at.
const release_policy = {
  data: Buffer.from(JSON.stringify({
    version: '1.0.0',
    anyOf: [{ authority: 'https://attest.example', allOf: [{ claim: 'a', equals: 'b' }] }],
  })).toString('base64url'),
};
const rsa = {
  kty: 'RSA',
  key_size: 2048,
  attributes: { nbf: 631180800, exp: 4102444800 },
  tags: { purpose: 'unit test', 'test name ': 'openapi' },
};
const segmentOf = (key) => key.kid.split('/').at(-1);

async function make(name, body = rsa) {
  const { key } = await must(200, 'POST', at(`keys/${name}/create`), { body });
  return { 'key-version': segmentOf(key) };
}

async function clear(name) {
  await send('DELETE', at(`keys/${name}`));
  await send('DELETE', at(`deletedkeys/${name}`));
}

async function makeDeleted(name) {
  await make(name);
  await must(200, 'DELETE', at(`keys/${name}`));
}

// A page of one, and another behind it. The example's $skiptoken is one of its own service's.
const names = (what) => [1, 2].map((n) => `openapi-${what}-${n}`);
const paged = { $skiptoken: undefined };

// An operation of the key on what the example has, and the opposite of that on what comes out.
async function turned(name, method, body) {
  const made = await make(name);
  const { value } = await must(200, 'POST', at(`keys/${name}/${made['key-version']}/${method}`), { body });
  return { made, value };
}

// operationId -> what is done before, given the example's parameters; returns those that become others.
const prepare = {
  CreateKey: () => ({}),
  ImportKey: () => ({}),
  RotateKey: ({ 'key-name': name }) => make(name),
  DeleteKey: ({ 'key-name': name }) => make(name),
  UpdateKey: ({ 'key-name': name }) => make(name),
  GetKey: ({ 'key-name': name }) => make(name),
  async GetKeyVersions({ 'key-name': name }) {
    await make(name);
    await make(name);
    return paged;
  },
  async GetKeys() {
    for (const name of names('listed')) await make(name);
    return paged;
  },
  BackupKey: ({ 'key-name': name }) => make(name),
  async RestoreKey() { // the example's backup is one of another service's
    const [name] = names('restored');
    await make(name);
    const { value } = await must(200, 'POST', at(`keys/${name}/backup`));
    await clear(name);
    return { parameters: { value } };
  },
  encrypt: ({ 'key-name': name }) => make(name),
  wrapKey: ({ 'key-name': name }) => make(name),
  sign: ({ 'key-name': name }) => make(name),
  async decrypt({ 'key-name': name, parameters: { alg } }, { value: plain }) {
    const { made, value } = await turned(name, 'encrypt', { alg, value: plain });
    return { ...made, parameters: { alg, value } };
  },
  async unwrapKey({ 'key-name': name, parameters: { alg } }, { value: plain }) {
    const { made, value } = await turned(name, 'wrapkey', { alg, value: plain });
    return { ...made, parameters: { alg, value } };
  },
  async verify({ 'key-name': name, parameters: { alg, value: digest } }) { // the example has the two exchanged
    const { made, value } = await turned(name, 'sign', { alg, value: digest });
    return { ...made, parameters: { alg, digest, value } };
  },
  async GetDeletedKeys() {
    for (const name of names('deleted')) await makeDeleted(name);
    return paged;
  },
  GetDeletedKey: ({ 'key-name': name }) => makeDeleted(name),
  PurgeDeletedKey: ({ 'key-name': name }) => makeDeleted(name),
  RecoverDeletedKey: ({ 'key-name': name }) => makeDeleted(name),
  GetKeyRotationPolicy: ({ 'key-name': name }) => policyOf(name),
  UpdateKeyRotationPolicy: ({ 'key-name': name }) => make(name),
  GetRandomBytes: () => ({ at: hsmUrl }), // of a Managed HSM only
  // Released is what an attestation service vouches for. akvd trusts none: even a key that is made for it is refused.
  release: ({ 'key-name': name }) =>
    make(name, { ...rsa, kty: 'RSA-HSM', attributes: { exportable: true }, release_policy }),
};

async function policyOf(name) {
  const made = await make(name);
  const body = {
    lifetimeActions: [{ trigger: { timeAfterCreate: 'P90D' }, action: { type: 'Rotate' } }],
    attributes: { expiryTime: 'P2Y' },
  };
  await must(200, 'PUT', at(`keys/${name}/rotationpolicy`), { body });
  return made;
}

// What is refused instead of done, with which status.
const refused = { release: 403 };

// Without their key these are no errors; versions of a key that never was are an empty list.
const wantsNoKey = ['CreateKey', 'ImportKey', 'GetKeyVersions'];

// --- an operation with an example's parameters --------------------------------------------------------------------

function callOf(operation, values) {
  let path = operation.path;
  let query = '';
  let body;
  for (const { name, in: where } of operation.parameters) {
    const value = values[name];
    if (where === 'path') path = path.replace(`{${name}}`, value ?? '');
    if (where === 'query' && value !== undefined) query += `&${name}=${encodeURIComponent(value)}`;
    if (where === 'body') body = value;
  }
  return { method: operation.method, url: at(path.slice(1), query), options: { body, at: values.at ?? vaultUrl } };
}

const invoke = ({ method, url, options }, more = {}) => send(method, url, { ...options, ...more });

function checkHeaders({ headers, body }) {
  const always = ['x-ms-request-id', 'x-ms-keyvault-network-info', 'cache-control', 'strict-transport-security'];
  for (const name of always) assert.ok(headers[name], name);
  if (body !== undefined) assert.equal(headers['content-type'], 'application/json; charset=utf-8');
}

// Every member of the example's answer is in ours, at any depth; of lists, the first item.
function missing(theirs, ours, path = '') {
  if (Array.isArray(theirs)) return theirs.length === 0 ? [] : missing(theirs[0], ours?.[0], `${path}/0`);
  if (typeof theirs !== 'object' || theirs === null) return [];
  return Object.keys(theirs).flatMap((name) =>
    ours?.[name] === undefined ? [`${path}/${name}`] : missing(theirs[name], ours[name], `${path}/${name}`));
}

function checkError(operation, answer, status) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  if (operation.id === 'GetRandomBytes' && status === 401) return assert.equal(answer.body, undefined); // as HSMs do
  assert.deepEqual(faultsOf(operation.errorSchema, answer.body), []);
  assert.ok(answer.body.error.code && answer.body.error.message, 'an error says what is wrong');
}

// --- the tests -------------------------------------------------------------------------------------------------------

test('the schemas: the examples are valid, what they do not name is not', () => {
  assert.deepEqual(Object.keys(prepare).sort(), operations.map(({ id }) => id).sort());
  assert.ok(operations.length >= 24);
  for (const { id, schema, examples } of operations) {
    assert.ok(examples.length > 0, `${id} has an example`);
    for (const { parameters } of examples) {
      if (parameters['api-version'] !== undefined) assert.equal(parameters['api-version'], version);
    }
    assert.ok(prepare[id] !== undefined, `${id} is replayed`);
    for (const { body } of examples.filter(() => schema !== undefined)) {
      assert.deepEqual(faultsOf(schema, body), [], id);
      assert.match(faultsOf(schema, { ...body, another: 1 }).join(), /additional properties.*another/);
    }
  }
  const [{ body: bundle }] = operations.find(({ id }) => id === 'GetKey').examples;
  const deep = { ...bundle, attributes: { ...bundle.attributes, another: 1 } };
  assert.match(faultsOf('KeyBundle', deep).join(), /attributes.*additional properties/);
  assert.match(faultsOf('KeyBundle', { ...bundle, key: { ...bundle.key, n: 'a+b' } }).join(), /format "base64url"/);
  const error = { code: 'a', message: 'b', innererror: { kode: 'c' } };
  assert.match(faultsOf('KeyVaultError', { error }).join(), /additional properties.*kode/);
});

for (const operation of operations) {
  for (const example of operation.examples) {
    test(`${operation.id}: ${example.name}`, async () => {
      const own = ['listed', 'restored', 'deleted'].flatMap(names);
      const used = [example.parameters['key-name'], ...own].filter(Boolean);
      for (const name of used) await clear(name);
      const changed = await prepare[operation.id](example.parameters, example.body);
      const call = callOf(operation, { ...example.parameters, ...changed });

      checkError(operation, await invoke(call, { app: null }), 401);
      checkError(operation, await invoke(call, { app: 'NONE' }), 403);
      if (call.options.body !== undefined) checkError(operation, await invoke(call, { body: [] }), 400);
      const answer = await invoke(call);
      if (refused[operation.id] !== undefined) {
        checkError(operation, answer, refused[operation.id]);
        assert.match(answer.body.error.message, /attestation/i);
      } else {
        assert.equal(answer.status, operation.status, JSON.stringify(answer.body));
        if (operation.schema === undefined) assert.equal(answer.body, undefined);
        else assert.deepEqual(faultsOf(operation.schema, answer.body), []);
        assert.deepEqual(missing(example.body, answer.body), []);
      }
      checkHeaders(answer);
      for (const name of used) await clear(name);
      if (operation.path.includes('{key-name}') && !wantsNoKey.includes(operation.id)) {
        checkError(operation, await invoke(call), 404);
      }
    });
  }
}

test('lists: every page is valid, also the last', async () => {
  for (const name of names('listed')) await make(name);
  let url = at('keys', '&maxresults=1');
  const seen = [];
  while (url) {
    const page = await must(200, 'GET', url);
    url = page.nextLink;
    if (url === null) delete page.nextLink; // as the service ends a list; the schema has only texts there
    assert.deepEqual(faultsOf('KeyListResult', page), []);
    seen.push(...page.value.map(({ kid }) => segmentOf({ kid })));
  }
  for (const name of names('listed')) assert.ok(seen.includes(name), name);
  for (const name of names('listed')) await clear(name);
});

// Each kind of key, made and used; what a bundle has depends on it.
const kinds = [
  { at: vaultUrl, body: rsa, alg: 'RSA-OAEP-256' },
  { at: vaultUrl, body: { ...rsa, kty: 'RSA-HSM' }, alg: 'RSA-OAEP' },
  ...['P-256', 'P-384', 'P-521', 'P-256K'].map((crv) => ({ at: vaultUrl, body: { kty: 'EC', crv } })),
  { at: hsmUrl, body: { kty: 'RSA-HSM' }, alg: 'RSA-OAEP-256' },
  { at: hsmUrl, body: { kty: 'EC-HSM', crv: 'P-256' } },
  { at: hsmUrl, body: { kty: 'oct-HSM', key_size: 256 }, alg: 'A256KW' },
];
for (const { at: where, body, alg } of kinds) {
  const what = [where === hsmUrl ? 'HSM' : 'vault', body.kty, body.crv].filter(Boolean).join(' ');
  test(`answers about ${what}`, async () => {
    const name = `openapi-kind-${kinds.findIndex((kind) => kind.body === body)}`;
    const bundle = await must(200, 'POST', at(`keys/${name}/create`), { body, at: where });
    assert.deepEqual(faultsOf('KeyBundle', bundle), []);
    assert.deepEqual(faultsOf('KeyBundle', await must(200, 'GET', at(`keys/${name}`), { at: where })), []);
    if (alg !== undefined) {
      const key = { alg, value: Buffer.alloc(32, 7).toString('base64url') };
      const wrapped = await must(200, 'POST', at(`keys/${name}/wrapkey`), { body: key, at: where });
      // A Managed HSM names the algorithm in its answers; the schema, which is for both, does not know that.
      if (where === hsmUrl) {
        assert.equal(wrapped.alg, alg);
        delete wrapped.alg;
      }
      assert.deepEqual(faultsOf('KeyOperationResult', wrapped), []);
    }
    const deleted = await must(200, 'DELETE', at(`keys/${name}`), { at: where });
    assert.deepEqual(faultsOf('DeletedKeyBundle', deleted), []);
    await must(204, 'DELETE', at(`deletedkeys/${name}`), { at: where });
  });
}
