import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, posix } from 'node:path';
import { drawCharts } from './drawCharts.mjs';
import { home } from './home.mjs';
import { sitePages } from './sitePages.mjs';

/** Colours of drawings that do not name the page's themselves. */
const COLOURS = {
  white: 'paper',
  '#ffffff': 'paper',
  '#24292f': 'title',
  '#111': 'title',
  '#333': 'ink',
  '#57606a': 'ink',
  '#e8e8e8': 'grid',
  '#d8d8d8': 'mapped',
};
const PICTURE = /\.(png|svg|jpg|webp)$/;
/** What highlighting calls a file's language, where that is not its ending. */
const LANGUAGES = { mjs: 'js', cjs: 'js', '': 'text' };

/**
 * Writes the pages that VitePress reads: the repository's Markdown where the site has it, its links turned to pages of the site, SVG charts put into the page, and bars drawn
 * beside tables. Files that pages link to and that are no pages, such as sources, get a page that shows them.
 *
 * @param {string} root of the repository
 * @param {string} out
 */
export async function writePages(root, out) {
  const site = new SitePages(root, out, await sitePages(root));
  for (const source of site.pages.keys()) await site.write(source);
  await mkdir(join(out, 'public'), { recursive: true });
  await copyFile(join(root, 'docs/images/demo.png'), join(out, 'public/demo.png'));
}

class SitePages {
  #root;
  #out;
  #shown = new Map();

  constructor(root, out, pages) {
    this.#root = root;
    this.#out = out;
    this.pages = pages;
  }

  async write(source) {
    const page = this.pages.get(source);
    const text = drawCharts(await readFile(join(this.#root, source), 'utf8'));
    const turned = await this.#turnLinks(text, source, page);
    await this.#save(page, page === 'index.md' ? home + turned : turned);
  }

  async #save(page, text) {
    const file = join(this.#out, page);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Turns the links outside of code. */
  async #turnLinks(text, source, page) {
    const parts = text.split(/(^```.*?^```$|`[^`\n]*`)/ms);
    const turned = parts.map(async (part, i) => (i % 2 === 1 ? part : this.#turnIn(part, source, page)));
    return (await Promise.all(turned)).join('');
  }

  async #turnIn(text, source, page) {
    const links = [...text.matchAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)|\]\(([^)\s]+)\)/g)];
    let turned = '';
    let at = 0;
    for (const link of links) {
      const [whole, mark, words, target = link[4]] = link;
      turned += text.slice(at, link.index) + (await this.#turn({ whole, mark, words, target }, source, page));
      at = link.index + whole.length;
    }
    return turned + text.slice(at);
  }

  async #turn({ whole, mark, words, target }, source, page) {
    if (/^([a-z]+:|#)/.test(target)) return whole;
    const [path, anchor] = target.split('#');
    const file = posix.join(posix.dirname(source), path).replace(/\/$/, '');
    if (mark === '!' && file.endsWith('.svg')) return this.#inlined(file, words);
    const to = await this.#pageOf(file);
    const relative = posix.relative(posix.dirname(page), to);
    const link = `${relative.startsWith('.') ? '' : './'}${relative}${anchor === undefined ? '' : `#${anchor}`}`;
    return whole.slice(0, whole.lastIndexOf('](')) + `](${link})`;
  }

  /** A chart as a part of the page, so that it has the page's colours. */
  async #inlined(file, words) {
    const svg = (await readFile(join(this.#root, file), 'utf8')).replaceAll(/\n\s*/g, '');
    const coloured = svg.replaceAll(/(fill|stroke)="([^"]+)"/g, (as, name, colour) =>
      colour in COLOURS ? `${name}="var(--chart-${COLOURS[colour]})"` : as,
    );
    return `<figure class="drawn" aria-label="${words.replaceAll('"', '&quot;')}" v-pre>${coloured}</figure>`;
  }

  async #pageOf(file) {
    const page = this.pages.get(file) ?? this.pages.get(`${file}/README.md`);
    if (page !== undefined) return page;
    if (!this.#shown.has(file)) this.#shown.set(file, this.#show(file));
    return this.#shown.get(file);
  }

  async #show(file) {
    const path = join(this.#root, file);
    if (PICTURE.test(file)) {
      const copy = file.replace(/^docs\//, '');
      await mkdir(dirname(join(this.#out, copy)), { recursive: true });
      await copyFile(path, join(this.#out, copy));
      return copy;
    }
    const page = `source/${file}.md`;
    const head = `---\nsearch: false\noutline: false\n---\n\n# ${basename(file)}\n\n\`${file}\` in the repository.\n\n`;
    await this.#save(page, head + ((await stat(path)).isDirectory() ? await listing(path) : await code(path)));
    return page;
  }
}

async function listing(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !['node_modules', 'dist'].includes(name))
    .map((entry) => `- \`${entry.name}${entry.isDirectory() ? '/' : ''}\`\n`)
    .sort()
    .join('');
}

async function code(file) {
  const ending = extname(file).slice(1);
  return `\`\`\`\`${LANGUAGES[ending] ?? ending}\n${await readFile(file, 'utf8')}\n\`\`\`\`\n`;
}
