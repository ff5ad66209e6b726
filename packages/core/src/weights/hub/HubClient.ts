import type * as Hub from '@huggingface/hub';
import { isThimbleError, ThimbleError } from '../../errors.js';
import { systemErrorCode } from '../../disk/fileSystemError.js';
import { isCommit } from './HubModelId.js';
import type { HubModelId } from './HubModelId.js';
import type { Fetch } from './proxiedFetch.js';

/** A file of a model on the hub. */
export interface HubFile {
  /** Path within the repository, with forward slashes. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** What the cache calls its blob: the SHA-256 of a file in LFS, else git's SHA-1 of the blob. */
  readonly etag: string;
}

/** Options of {@link HubClient}. */
export interface HubClientOptions {
  readonly endpoint: string;
  readonly model: HubModelId;
  /** What a relative reading of the id would be, for messages. */
  readonly folder: string;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly fetch: Fetch;
  /** How long an answer about the model may take, in milliseconds. */
  readonly etagTimeoutMs: number;
  /** How long a download may be silent, in milliseconds. */
  readonly downloadTimeoutMs: number;
}

/**
 * Requests to the hub about one model. The token lives here alone: it is added to requests to the endpoint's origin and to no
 * other, and taken out of every text that comes back.
 */
export class HubClient {
  readonly #options: HubClientOptions;
  readonly #token: string | undefined;
  readonly #origin: string;

  constructor(options: HubClientOptions) {
    const { token, ...rest } = options;
    this.#options = rest;
    this.#token = token;
    this.#origin = new URL(options.endpoint).origin;
  }

  /**
   * The commit that the model's revision is at.
   *
   * @throws `ERR_MODEL_NOT_FOUND`, `ERR_HUB_ACCESS`, `ERR_HUB_REQUEST`; the signal's reason
   */
  async commit(): Promise<string> {
    const { endpoint, model } = this.#options;
    return this.#attempt('the description', async () => {
      const { modelInfo } = await loadLibrary();
      const { sha } = await modelInfo({
        name: model.id,
        revision: model.revision,
        additionalFields: ['sha'],
        hubUrl: endpoint,
        fetch: this.#ask('the description'),
      });
      if (isCommit(sha)) return sha;
      throw this.failure('the description', 'the answer names no commit');
    });
  }

  /**
   * Every file of the model at `commit`.
   *
   * @throws as {@link commit}
   */
  async files(commit: string): Promise<readonly HubFile[]> {
    const { endpoint, model } = this.#options;
    return this.#attempt('the list of files', async () => {
      const { listFiles } = await loadLibrary();
      const files: HubFile[] = [];
      const fetch = this.#ask('the list of files');
      for await (const entry of listFiles({
        repo: model.id,
        recursive: true,
        revision: commit,
        hubUrl: endpoint,
        fetch,
      })) {
        if (entry.type !== 'file') continue;
        const etag = entry.lfs?.oid ?? entry.oid ?? '';
        if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(etag))
          throw this.failure('the list of files', `it gives no hash for "${entry.path}"`);
        files.push({ path: entry.path, size: entry.lfs?.size ?? entry.size, etag });
      }
      return files;
    });
  }

  /**
   * Asks for a file's bytes from `start` on. The library's own downloads can neither be aborted nor resumed, so this is a plain
   * request to the same address.
   *
   * @returns status 206 where the server honours `start`, else 200 and the whole file; 416 is passed on too
   * @throws as {@link commit}
   */
  async open(path: string, commit: string, start: number): Promise<Response> {
    const { endpoint, model } = this.#options;
    const url = `${endpoint}/${model.id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
    // Without "identity", a compressed answer's length and range would not be the file's.
    const headers = { 'Accept-Encoding': 'identity', ...(start > 0 ? { Range: `bytes=${start}-` } : {}) };
    const what = `"${path}"`;
    return this.#attempt(what, () =>
      this.#within(this.#options.downloadTimeoutMs, (signal) => this.#send(what, url, { headers, signal })),
    );
  }

  /** How long a download may be silent, in milliseconds. */
  get downloadTimeoutMs(): number {
    return this.#options.downloadTimeoutMs;
  }

  /** An error about this model that names `what` was fetched; `ERR_HUB_REQUEST`. */
  failure(what: string, problem: string): ThimbleError {
    const { model, endpoint } = this.#options;
    return new ThimbleError('ERR_HUB_REQUEST', { model: model.id, endpoint, what, problem });
  }

  /** A `fetch` for the library, of answers that have to come whole in time. */
  #ask(what: string): Fetch {
    return async (input, init) =>
      this.#within(this.#options.etagTimeoutMs, async (signal) => {
        const response = await this.#send(what, input instanceof Request ? input.url : input, { ...init, signal });
        const { status, headers } = response;
        return new Response(await response.arrayBuffer(), { status, headers: [...headers] });
      });
  }

  async #send(what: string, input: string | URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined && new URL(input).origin === this.#origin)
      headers.set('Authorization', `Bearer ${this.#token}`);
    const response = await this.#options.fetch(input, { ...init, headers: Object.fromEntries(headers) });
    if (response.ok || response.status === 416) return response;
    await response.body?.cancel();
    throw this.#refusal(what, response);
  }

  /** A server that takes the connection and says nothing is as good as none. The time ends with `work`: a body that is read later has time of its own. */
  async #within<T>(milliseconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error(`no answer in ${milliseconds / 1000} s`)), milliseconds);
    const { signal } = this.#options;
    try {
      return await work(signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  async #attempt<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (isThimbleError(error)) throw error;
      throw this.failure(what, this.#clean(causeOf(error)));
    }
  }

  #refusal(what: string, response: Response): ThimbleError {
    const { status } = response;
    const { model, endpoint } = this.#options;
    const code = response.headers.get('X-Error-Code');
    if (code === 'RevisionNotFound')
      return this.#notFound(`${endpoint} has no revision "${model.revision}" of ${model.id}`);
    // The hub answers 401 for a model that does not exist, so as not to tell that a private one does.
    if (code === 'RepoNotFound' || (status === 404 && !what.startsWith('"'))) {
      return this.#notFound(
        `${endpoint} has no model "${model.id}"${this.#token === undefined ? ' that can be seen without a token (HF_TOKEN)' : ''}`,
      );
    }
    if (status === 401 || status === 403) {
      return new ThimbleError('ERR_HUB_ACCESS', {
        model: model.id,
        endpoint,
        status,
        withToken: this.#token !== undefined,
      });
    }
    const said = this.#clean(response.headers.get('X-Error-Message') ?? '').slice(0, 200);
    return new ThimbleError('ERR_HUB_REQUEST', {
      model: model.id,
      endpoint,
      what,
      status,
      problem: `HTTP ${status}${said === '' ? '' : ` (${said})`}`,
    });
  }

  #notFound(problem: string): ThimbleError {
    const { model, folder } = this.#options;
    return new ThimbleError('ERR_MODEL_NOT_FOUND', { model: model.id, folder, problem });
  }

  #clean(text: string): string {
    return this.#token === undefined ? text : text.replaceAll(this.#token, '***');
  }
}

/** Loaded when first needed: whoever works from folders does not pay for it. */
async function loadLibrary(): Promise<typeof Hub> {
  return import('@huggingface/hub');
}

function causedBy(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
}

/** The raw error is not attached as a cause: it may hold the request, and with it the token. */
function causeOf(error: unknown): string {
  const chain = [error];
  for (let next = causedBy(error); next !== undefined; next = causedBy(next)) chain.push(next);
  const code = chain.map(systemErrorCode).find((each) => /^[A-Z]+$/.test(each ?? ''));
  if (code !== undefined) return `the connection failed (${code})`;
  const source = chain.at(-1);
  const said = String((source as Partial<Error> | undefined)?.message ?? source).replace(/\.$/, '');
  const answer = /^Proxy response \((\d+)\)/.exec(said)?.[1];
  return answer === undefined ? said : `the proxy answered HTTP ${answer}`;
}
