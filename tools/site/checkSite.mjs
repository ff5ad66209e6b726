import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

/** What a browser fetches by itself: scripts, styles, pictures, fonts. */
const LOADS = [
  /<(?:script|img|iframe|source|video|audio)\b[^>]*?\ssrc="((?:https?:)?\/\/[^"]+)"/g,
  /<link\b[^>]*?\shref="((?:https?:)?\/\/[^"]+)"/g,
  /(?:url\(|@import )["']?((?:https?:)?\/\/[^)"']+)/g,
];

/**
 * What is wrong with a built site: links to pages or headings that are not there, pages that no other leads to, and what is loaded from other hosts.
 *
 * @param {string} folder
 * @param {string} base the path that links begin with
 * @returns {Promise<readonly string[]>}
 */
export async function checkSite(folder, base) {
  const files = (await readdir(folder, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
  const texts = new Map();
  for (const file of files.filter((name) => /\.(html|css)$/.test(name)))
    texts.set(file, await readFile(join(folder, file), 'utf8'));
  const pages = new Map([...texts].map(([file, text]) => [file, idsOf(text)]));
  const reached = new Set(['index.html', '404.html']);
  const problems = [...texts].flatMap(([file, text]) => [
    ...LOADS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, url]) => `${file} loads ${url}`)),
    ...(file === '404.html' ? [] : linksOf(text)).flatMap(
      (link) => problemOf(link, { file, base, pages, files: new Set(files), reached }) ?? [],
    ),
  ]);
  const unreached = [...pages.keys()].filter((file) => file.endsWith('.html') && !reached.has(file));
  return [...problems, ...unreached.map((file) => `no page links to ${file}`)];
}

const idsOf = (text) => new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => unescape(id)));
const linksOf = (text) => [
  ...new Set([...text.matchAll(/<a\b[^>]*?\shref="([^"]+)"/g)].map(([, link]) => unescape(link))),
];
const unescape = (text) =>
  text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"');

function problemOf(link, { file, base, pages, files, reached }) {
  if (/^[a-z]+:/.test(link)) return undefined;
  const [path, anchor] = link.split('#');
  const target = path === '' ? file : pageOf(path, { file, base });
  if (!files.has(target)) return `${file}: ${link} leads nowhere`;
  if (target !== file) reached.add(target);
  if (anchor === undefined || anchor === '' || !pages.has(target)) return undefined;
  return pages.get(target).has(decodeURIComponent(anchor)) ? undefined : `${file}: ${link} has no such heading`;
}

function pageOf(path, { file, base }) {
  const full = path.startsWith(base) ? path.slice(base.length) : posix.join(posix.dirname(file), path);
  const decoded = decodeURIComponent(full);
  return decoded === '' || decoded.endsWith('/') ? posix.join(decoded, 'index.html') : decoded;
}
