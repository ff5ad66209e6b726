import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeName } from './describeName.js';

/** Options of {@link createPlugin}. */
export interface CreatePluginOptions {
  /** Name of the package: `thimble-plugin-x`, `@me/thimble-plugin-x`. */
  readonly name: string;
  /** The folder that the plugin's own folder is made in. Default: the current one. */
  readonly parent?: string | undefined;
  /** Prefix of the plugin's name at run time. Default: the scope, or `me`. */
  readonly author?: string | undefined;
  /** Packed packages to use in place of the published ones. */
  readonly core?: string | undefined;
  readonly testkit?: string | undefined;
}

/** What {@link createPlugin} made. */
export interface CreatedPlugin {
  /** Absolute. */
  readonly folder: string;
  /** Relative to it. */
  readonly files: readonly string[];
}

const TEMPLATE = fileURLToPath(new URL('../template', import.meta.url));

/**
 * Writes a plugin package into a folder of its own.
 *
 * @throws Error for a name that no package can have, or a folder that holds something
 */
export async function createPlugin({
  name,
  parent = '.',
  author,
  core,
  testkit,
}: CreatePluginOptions): Promise<CreatedPlugin> {
  const described = describeName(name, author);
  const folder = resolve(parent, described.folder);
  await assertEmpty(folder);
  const range = `^${await ownVersion()}`;
  const words: Readonly<Record<string, string>> = {
    PACKAGE: name,
    CLASS: described.className,
    NAME: described.pluginName,
    RANGE: range,
    CORE: core === undefined ? range : `file:${resolve(core)}`,
    TESTKIT: testkit === undefined ? range : `file:${resolve(testkit)}`,
  };
  const files = await templateFiles();
  for (const file of files) await writeFrom(join(TEMPLATE, file), join(folder, fill(file, words)), words);
  return { folder, files: files.map((file) => fill(file, words)) };
}

async function templateFiles(): Promise<string[]> {
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATE.length + 1))
    .sort();
}

async function writeFrom(source: string, target: string, words: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, fill(await readFile(source, 'utf8'), words), { flag: 'wx' });
}

/** npm leaves `.gitignore` out of packages and takes every `package.json` for one's own, so the template's begin with an underscore. */
function fill(text: string, words: Readonly<Record<string, string>>): string {
  return text
    .replaceAll(/__([A-Z]+)__/g, (placeholder, word: string) => words[word] ?? placeholder)
    .replace(/^_gitignore$/, '.gitignore')
    .replace(/^_package\.json$/, 'package.json');
}

async function assertEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  if (entries.length > 0) throw new Error(`"${folder}" is not empty: choose another name, or remove it`);
}

async function ownVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
