// npm run bench -- [NAME] [options]: measures; nothing else may run meanwhile.
import { benchOffload } from './offload.mjs';
import { benchTable } from './table.mjs';
import { benchUnet } from './unet.mjs';

const BENCHES = { unet: benchUnet, memory: benchOffload, table: benchTable };
const [name = 'unet', ...args] = process.argv.slice(2);
const known = name.startsWith('-') ? benchUnet : BENCHES[name];
if (known === undefined) {
  console.error(`no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
await known(name.startsWith('-') ? [name, ...args] : args);
