import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import statics from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** What is built of the page. */
const PAGE = fileURLToPath(new URL('../../page/dist', import.meta.url));
/** Names of these files change with what is in them. */
const HASHED = /[/\\]assets[/\\]/;

/** The page itself, which everybody may load: it asks for the token, and what it then asks of the server needs it. */
export async function pageFiles(app: FastifyInstance): Promise<void> {
  if (!existsSync(PAGE)) return;
  await app.register(statics, {
    root: PAGE,
    // An application that this is mounted in may have it already.
    decorateReply: false,
    wildcard: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      void reply.header('cache-control', HASHED.test(path) ? 'public, immutable, max-age=31536000' : 'no-cache');
    },
  });
}
