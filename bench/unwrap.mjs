// CPU per unwrapKey of Microsoft's client for JavaScript, in microseconds: one line, as "openekm_bench unwraps" prints it.
import { randomBytes } from 'node:crypto';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient } from '@azure/keyvault-keys';

const calls = 400;
const warm = 50;
const { BENCH_TENANT, BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, BENCH_KEY } = process.env;
const credential = new ClientSecretCredential(BENCH_TENANT, BENCH_CLIENT_ID, BENCH_CLIENT_SECRET, {
  authorityHost: 'https://login.localhost', disableInstanceDiscovery: true,
});
const client = new CryptographyClient(`https://local.vault.localhost/keys/${BENCH_KEY}`, credential);
const dek = randomBytes(32);
const wrapped = (await client.wrapKey('RSA-OAEP-256', dek)).result;
let start;
for (let i = 0; i < warm + calls; i++) {
  if (i === warm) start = process.cpuUsage();
  const { result } = await client.unwrapKey('RSA-OAEP-256', wrapped);
  if (!dek.equals(result)) throw new Error('another key came back');
}
const { user, system } = process.cpuUsage(start);
console.log(((user + system) / calls).toFixed(2));
