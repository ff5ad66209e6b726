import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Pages from outside of docs/. */
const OTHERS = {
  'README.md': 'overview.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'reporting.md',
  'models/demo/README.md': 'models/demo.md',
  'models/demo/LICENSE.md': 'models/demo-licence.md',
  'models/demo/train/README.md': 'models/demo-training.md',
};

/**
 * Which Markdown file of the repository is which page of the site, by paths: docs/ as it lies there, the READMEs of packages and examples, and a few more.
 *
 * @param {string} root of the repository
 * @returns {Promise<ReadonlyMap<string, string>>}
 */
export async function sitePages(root) {
  const docs = (await readdir(join(root, 'docs'), { recursive: true }))
    .filter((path) => path.endsWith('.md'))
    .map((path) => [`docs/${path}`, path.replace(/(^|\/)README\.md$/, '$1index.md')]);
  const readmes = await Promise.all(['packages', 'examples'].map((folder) => readmesIn(root, folder)));
  return new Map([...docs, ...readmes.flat(), ...Object.entries(OTHERS)]);
}

async function readmesIn(root, folder) {
  const entries = await readdir(join(root, folder));
  const files = await Promise.all(
    entries.map(async (name) => ((await readdir(join(root, folder, name))).includes('README.md') ? [name] : [])),
  );
  return files.flat().map((name) => [`${folder}/${name}/README.md`, `${folder}/${name}.md`]);
}
