import { Redis } from 'ioredis';
import { ServerError } from '../ServerError.js';
import { type JobScript, jobScripts } from './jobScripts.js';

/** What keys begin with. */
export const KEY_PREFIX = 'thimble';

/** Milliseconds to a first connection. */
const CONNECT_TIMEOUT = 10_000;
/** How often a command is tried again where the connection breaks off, by those who cannot wait. */
const RETRIES = 3;

/** Options of {@link RedisConnection.open}. */
export interface ConnectionOptions {
  /** Commands wait until Redis is back, as long as it takes, as those of workers do; else they fail after some tries. */
  readonly patient: boolean;
}

/** Two connections to Redis or Valkey: one for commands, one that listens to channels. */
export class RedisConnection {
  readonly commands: Redis;
  /** Without the password. */
  readonly address: string;
  readonly #listening: Redis;
  readonly #channelPrefix: string;
  readonly #listeners = new Map<string, Set<(message: string) => void>>();

  private constructor(commands: Redis, listening: Redis, address: string) {
    this.commands = commands;
    this.#listening = listening;
    this.address = address;
    // Channels, unlike keys, are those of all databases.
    this.#channelPrefix = `${KEY_PREFIX}:${commands.options.db ?? 0}:`;
    for (const { name, lua } of jobScripts) commands.defineCommand(name, { numberOfKeys: 0, lua });
    listening.on('message', (channel: string, message: string) => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(message);
    });
  }

  /** @throws ERR_REDIS_UNAVAILABLE; ERR_REDIS_EVICTS where Redis may drop keys to make room */
  static async open(url: string, { patient }: ConnectionOptions): Promise<RedisConnection> {
    const address = withoutPassword(url);
    const commands = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT,
      maxRetriesPerRequest: patient ? null : RETRIES,
      // All that was asked is answered before; a timer would hold the program where the connection has ended by itself.
      disconnectTimeout: 0,
    });
    const listening = commands.duplicate();
    let reason: unknown;
    commands.on('error', (error) => {
      reason = error;
    });
    listening.on('error', () => undefined);
    const connection = new RedisConnection(commands, listening, address);
    try {
      await Promise.all([commands.connect(), listening.connect()]);
      await connection.#checkPolicy();
    } catch (error) {
      await connection.close();
      throw ServerError.is(error) ? error : connection.#unavailable(reason ?? error);
    }
    return connection;
  }

  /** Runs one of {@link jobScripts}. @throws ERR_REDIS_UNAVAILABLE */
  async script(name: JobScript, ...args: readonly (string | number)[]): Promise<unknown> {
    const commands = this.commands as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    return this.run(async () => commands[name]!(KEY_PREFIX, this.#channelPrefix, ...args));
  }

  /** Does something with Redis, and says it by a code where that cannot be reached, or is full. @throws ERR_REDIS_UNAVAILABLE */
  async run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      const { name, message } = error as Error;
      if (ServerError.is(error) || (name === 'ReplyError' && message.startsWith('ERR'))) throw error;
      throw this.#unavailable(error);
    }
  }

  /** Tells `listener` what is published on a channel, until the result is called. @throws ERR_REDIS_UNAVAILABLE */
  async listen(name: string, listener: (message: string) => void): Promise<() => void> {
    const channel = this.#channelPrefix + name;
    const others = this.#listeners.get(channel);
    const listeners = others ?? new Set();
    listeners.add(listener);
    this.#listeners.set(channel, listeners);
    const leave = (): void => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      void this.#listening.unsubscribe(channel).catch(() => undefined);
    };
    try {
      // Though it may be there: commands keep their order, and another one may be about to leave.
      await this.run(async () => this.#listening.subscribe(channel));
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }

  async publish(name: string, message: string): Promise<void> {
    await this.run(async () => this.commands.publish(this.#channelPrefix + name, message));
  }

  /** What was asked before is done; Redis that does not answer is not waited for. */
  async close(): Promise<void> {
    this.#listening.disconnect();
    if (this.commands.status === 'ready') await this.commands.quit().catch(() => undefined);
    this.commands.disconnect();
  }

  /** Redis that drops keys loses jobs. */
  async #checkPolicy(): Promise<void> {
    const policy = /^maxmemory_policy:(\S+)/m.exec(await this.commands.info('memory'))?.[1];
    if (policy !== undefined && policy !== 'noeviction')
      throw new ServerError('ERR_REDIS_EVICTS', { address: this.address, policy });
  }

  #unavailable(error: unknown): Error {
    const { message } = error as Error;
    return new ServerError('ERR_REDIS_UNAVAILABLE', { address: this.address, reason: message }, { cause: error });
  }
}

function withoutPassword(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'redis';
  }
}
