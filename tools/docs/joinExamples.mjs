const BLOCK = /^```ts\n(.*?)^```$/gms;
/** Also those that are only to be compiled. */
const EVERY_BLOCK = /^```ts(?: no-run)?\n(.*?)^```$/gms;
const IMPORT = /^import (type )?\{ (.+) \} from '(.+)';$/;

/**
 * The TypeScript of a page as one program: its blocks one after the other, and what they import, each name once.
 *
 * @param {string} page Markdown
 * @param {{ noRun?: boolean }} options `noRun`: with the blocks that say ```ts no-run
 * @returns {string} the program; empty where the page has no TypeScript
 */
export function joinExamples(page, { noRun = false } = {}) {
  const imports = new Map();
  const lines = [...page.matchAll(noRun ? EVERY_BLOCK : BLOCK)]
    .flatMap((match) => match[1].split('\n'))
    .filter((line) => !noteImport(line, imports));
  if (lines.length === 0) return '';
  const heads = Array.from(
    imports,
    ([source, names]) =>
      `import { ${Array.from(names, ([name, type]) => `${type ? 'type ' : ''}${name}`).join(', ')} } from '${source}';`,
  );
  return `${[...heads, ...lines].join('\n')}\nexport {};\n`;
}

/** Notes what an import brings; a name that is wanted as a value somewhere is one. */
function noteImport(line, imports) {
  const [, type, list, source] = IMPORT.exec(line) ?? [];
  if (source === undefined) return false;
  const names = imports.get(source) ?? new Map();
  imports.set(source, names);
  for (const item of list.split(', ')) {
    const name = item.replace(/^type /, '');
    names.set(name, (names.get(name) ?? true) && (type !== undefined || item !== name));
  }
  return true;
}
