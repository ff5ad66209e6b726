// Builds the documentation's site into out/site: `npm run docs:site`, after `npm run build`. `-- --base /thimble/` says where it will lie on its host; `-- --without-api`
// leaves out the reference of the API, which takes most of the time; `-- --pages` only writes the pages that VitePress reads, for `npx vitepress dev docs`.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vitepress';
import { checkSite } from './site/checkSite.mjs';
import { writeApiPages, writeNoApi } from './site/writeApiPages.mjs';
import { writePages } from './site/writePages.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = `${ROOT}out/site-pages`;
const SITE = `${ROOT}out/site`;

const { values } = parseArgs({
  options: { base: { type: 'string', default: '/' }, 'without-api': { type: 'boolean' }, pages: { type: 'boolean' } },
});
const started = performance.now();
for (const folder of [PAGES, SITE]) await rm(folder, { recursive: true, force: true });
await writePages(ROOT, PAGES);
await (values['without-api'] ? writeNoApi : writeApiPages)(ROOT, `${PAGES}/api`);
if (!values.pages) {
  await build(`${ROOT}docs`, { base: values.base });
  const problems = await checkSite(SITE, values.base);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
console.log(`out/${values.pages ? 'site-pages' : 'site'}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
