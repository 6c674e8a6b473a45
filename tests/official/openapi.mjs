// The published OpenAPI (Swagger 2.0) of the Keys data plane, as schemas that a validator takes.
//
//   definitions.KeyBundle {properties, allOf, x-ms-...}  -->  {type, properties, additionalProperties: false}
//   "$ref": "common.json#/definitions/Error"             -->  "$ref": "Error"
//
// Swagger lets every object have more members than it names. Here none may: a member that the service does not send is
// a member that some client may come to rely on.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';

const folder = new URL('../vectors/akv-7.5/', import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
const api = read('keys.json');
const definitions = { ...read('common.json').definitions, ...api.definitions };

// What a schema says of a value; all else in the file is for readers and for generators of clients.
const kept = ['type', 'enum', 'minimum', 'maximum', 'minLength', 'format', 'required'];
const nameOf = (reference) => reference.split('/').at(-1);

// All members of a definition, with those of what it is made of.
function membersOf(definition) {
  const inherited = (definition.allOf ?? []).map((part) => membersOf(definitions[nameOf(part.$ref)]));
  return Object.assign({}, ...inherited, definition.properties);
}

function schemaOf(node) {
  if (node.$ref !== undefined) return { $ref: nameOf(node.$ref) };
  const schema = Object.fromEntries(kept.filter((word) => word in node).map((word) => [word, node[word]]));
  const members = membersOf(node);
  if (node.items !== undefined) schema.items = schemaOf(node.items);
  if (node.additionalProperties !== undefined) {
    schema.additionalProperties = schemaOf(node.additionalProperties);
  } else if (Object.keys(members).length > 0) {
    schema.type = 'object';
    schema.properties = Object.fromEntries(Object.entries(members).map(([name, member]) => [name, schemaOf(member)]));
    schema.additionalProperties = false;
  }
  return schema;
}

const validator = new Ajv({ allErrors: true, strict: true, strictTypes: true });
validator.addFormat('base64url', /^[A-Za-z0-9_-]*$/);
validator.addFormat('unixtime', { type: 'number', validate: (value) => Number.isSafeInteger(value) && value >= 0 });
validator.addFormat('int32', { type: 'number', validate: (value) => (value | 0) === value });
for (const [name, definition] of Object.entries(definitions)) validator.addSchema(schemaOf(definition), name);

// What is wrong with a value that ought to be one of the definition's; empty if nothing is.
export function faultsOf(name, value) {
  const validate = validator.getSchema(name);
  if (validate(value)) return [];
  return validate.errors.map((each) => `${each.instancePath} ${each.message} ${JSON.stringify(each.params)}`);
}

// The operations, each with its examples. schema is undefined where the answer has no body.
export const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const [status] = Object.keys(operation.responses).filter((code) => code !== 'default');
    const { schema } = operation.responses[status];
    return {
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters.filter((parameter) => parameter.in !== undefined),
      status: Number(status),
      schema: schema && nameOf(schema.$ref),
      errorSchema: nameOf(operation.responses.default.schema.$ref),
      examples: Object.entries(operation['x-ms-examples']).map(([name, { $ref }]) => {
        const example = read($ref);
        return { name, parameters: example.parameters, body: example.responses[status].body };
      }),
    };
  }));
