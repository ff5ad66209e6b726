import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Application } from 'typedoc';

/**
 * Writes the reference of every package's public API as Markdown, from the doc comments of the sources. Entries and checks are those of typedoc.json.
 *
 * @param {string} root of the repository
 * @param {string} out
 */
export async function writeApiPages(root, out) {
  const app = await Application.bootstrapWithPlugins({
    options: `${root}typedoc.json`,
    plugin: ['typedoc-plugin-markdown'],
    // A page for each class; what is small stands on the page of its module.
    outputFileStrategy: 'members',
    membersWithOwnFile: ['Class'],
    entryFileName: 'index',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    // Headings of one name are counted otherwise here than by VitePress.
    useHTMLAnchors: true,
    disableSources: true,
    useCodeBlocks: true,
    parametersFormat: 'table',
    logLevel: 'Warn',
  });
  const project = await app.convert();
  if (project === undefined || app.logger.hasWarnings() || app.logger.hasErrors())
    throw new Error('TypeDoc found something wrong in doc comments; see above');
  for (const module of project.children) module.name = await entryName(root, module.name);
  await app.outputs.writeOutput({ name: 'markdown', path: out }, project);
}

/** What is there in the place of the reference where a site is built without it. */
export async function writeNoApi(_root, out) {
  await mkdir(out, { recursive: true });
  await writeFile(`${out}/index.md`, '# API\n\nThis site was built without the reference of the API.\n');
}

/** By what people import a module, which TypeDoc calls `core/src/plugin`. */
async function entryName(root, path) {
  const [folder, , entry] = path.split('/');
  const { name } = JSON.parse(await readFile(`${root}packages/${folder}/package.json`, 'utf8'));
  return entry === undefined ? name : `${name}/${entry}`;
}
