import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** A request that a {@link FakeHub} got. */
export interface HubRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** A small hub on loopback that answers for one model, `owner/tiny`, and its storage on a second port, as the real one has. */
export class FakeHub {
  readonly commit = 'c'.repeat(40);
  readonly requests: HubRequest[] = [];
  readonly storageRequests: HubRequest[] = [];
  /** Contents by path; those in `lfs` come from the storage. */
  readonly files = new Map<string, Buffer>();
  readonly lfs = new Set<string>();
  /** Sizes to announce instead of the real ones. */
  readonly announced = new Map<string, number>();
  /** Answers instead of the hub; `true` where it did. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Sends a part of each stored file's answer and breaks the connection; the number of times left. */
  breaksLeft = 0;
  bytesBeforeBreak = 0;
  /** Answers a request for a range with the whole file. */
  ignoresRanges = false;
  #hub?: Server;
  #storage?: Server;

  add(path: string, content: unknown, inLfs = false): void {
    this.files.set(
      path,
      Buffer.isBuffer(content) ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
    );
    if (inLfs) this.lfs.add(path);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${portOf(this.#hub)}`;
  }

  /** What the cache calls a file's blob. */
  etag(path: string): string {
    const content = this.files.get(path)!;
    if (this.lfs.has(path)) return createHash('sha256').update(content).digest('hex');
    return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
  }

  /** Paths of the files that were asked for. */
  get fetched(): readonly string[] {
    return this.requests.flatMap(({ path }) => /\/resolve\/[^/]+\/(.*)$/.exec(path)?.[1] ?? []);
  }

  async start(): Promise<void> {
    this.#hub = await listen((request, response) => this.#answer(request, response));
    this.#storage = await listen((request, response) => {
      this.storageRequests.push(record(request));
      this.#send(request.url!.slice(1), request, response, this.breaksLeft-- > 0);
    });
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server?.closeAllConnections();
      await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(record(request));
    if (this.intercept?.(request, response) === true) return;
    const path = new URL(request.url!, this.endpoint).pathname;
    if (!path.includes('/owner/tiny/')) return fail(response, 'RepoNotFound');
    if (path === '/api/models/owner/tiny/revision/main' || path === `/api/models/owner/tiny/revision/${this.commit}`) {
      return json(response, { _id: '1', id: 'owner/tiny', sha: this.commit, lastModified: '2024-01-01T00:00:00Z' });
    }
    if (path.startsWith('/api/models/owner/tiny/revision/')) return fail(response, 'RevisionNotFound');
    if (path === `/api/models/owner/tiny/tree/${this.commit}`) return this.#tree(request, response);
    const file = path.replace(`/owner/tiny/resolve/${this.commit}/`, '');
    if (!this.files.has(file)) return fail(response, 'EntryNotFound');
    if (!this.lfs.has(file)) return this.#send(file, request, response, false);
    response
      .writeHead(302, {
        location: `http://127.0.0.1:${portOf(this.#storage)}/${file}`,
        'x-linked-etag': `"${this.etag(file)}"`,
        'x-repo-commit': this.commit,
      })
      .end();
  }

  /** Two pages, as the real tree of a large repository. */
  #tree(request: IncomingMessage, response: ServerResponse): void {
    const entries = [...this.files].map(([path, content]) => {
      const size = this.announced.get(path) ?? content.length;
      const lfs = this.lfs.has(path) ? { lfs: { oid: this.etag(path), size, pointerSize: 130 } } : {};
      return { type: 'file', path, size, oid: this.lfs.has(path) ? 'd'.repeat(40) : this.etag(path), ...lfs };
    });
    if (request.url!.includes('cursor=2')) return json(response, entries.slice(2));
    const next = `${this.endpoint}${request.url}&cursor=2`;
    response.setHeader('link', `<${next}>; rel="next"`);
    json(response, [{ type: 'directory', path: 'unet', oid: 'e'.repeat(40), size: 0 }, ...entries.slice(0, 2)]);
  }

  #send(path: string, request: IncomingMessage, response: ServerResponse, breaks: boolean): void {
    const content = this.files.get(path)!;
    const start = this.ignoresRanges ? 0 : Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= content.length && start > 0) return void response.writeHead(416).end();
    const headers = { etag: `"${this.etag(path)}"`, 'content-length': content.length - start };
    const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...range } : headers);
    if (!breaks) return void response.end(content.subarray(start));
    response.write(content.subarray(start, start + this.bytesBeforeBreak), () =>
      setTimeout(() => response.destroy(), 20),
    );
  }
}

function record(request: IncomingMessage): HubRequest {
  return { path: request.url!, authorization: request.headers.authorization, range: request.headers.range };
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function fail(response: ServerResponse, code: string): void {
  response.writeHead(404, { 'x-error-code': code, 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: code }));
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server?: Server): number {
  const address = server?.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
