import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { sidebar } from './sidebar.mjs';

const out = (folder) => fileURLToPath(new URL(`../../out/${folder}`, import.meta.url));

/** The anchors that git hosts give to headings, so that links are right in both places. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** A thimble. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M10 7a6 5 0 0 1 12 0l3 19H7z" fill="#3f6fa3"/><rect x="5" y="24" width="22" height="5" rx="2" fill="#e08a3c"/></svg>';

/** A page as the search sees it. Its code is not coloured a second time, which would take as long as the first. */
function searched(source, env, markdown) {
  const html = markdown.render(source.replaceAll(/^(`{3,})\S+.*$/gm, '$1text'), env);
  return env.frontmatter?.search === false ? '' : html;
}

export default defineConfig({
  title: 'thimble',
  description: 'Diffusion pipelines for Node.js in very little memory',
  lang: 'en',
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  srcDir: out('site-pages'),
  outDir: out('site'),
  cacheDir: out('site-cache'),
  // What a page names as this machine's address is an example.
  ignoreDeadLinks: 'localhostLinks',
  markdown: { anchor: { slugify }, theme: { light: 'github-light', dark: 'github-dark' } },
  // Everything that a page loads lies beside it.
  themeConfig: {
    search: { provider: 'local', options: { _render: searched } },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Recipes', link: '/recipes' },
      { text: 'Techniques', link: '/techniques/' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: 'Reference', link: '/reference/options' },
    ],
    sidebar,
  },
  vite: {
    // Pages of the reference are as large as they are.
    build: { chunkSizeWarningLimit: 4096 },
  },
});
