import type { ModelFacts } from '../models/ModelFacts.js';
import { KEY_PREFIX, type RedisConnection } from './RedisConnection.js';

const KEY = `${KEY_PREFIX}:workers`;
/** Milliseconds after which a worker that says nothing is taken for gone, and after which nobody knows of its models any more. */
const SILENT = 30_000;
const FORGOTTEN = 600_000;

/** What a worker says of itself. */
export interface WorkerNotice {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly models: readonly string[];
  readonly opened: readonly string[];
  /** What is known of those that it has had open, by their names. */
  readonly facts: Readonly<Record<string, ModelFacts>>;
  /** The LoRAs that prompts may name. */
  readonly loras: readonly string[];
  /** Jobs that it does at once. */
  readonly lanes: number;
}

/** A worker as others see it. */
export interface KnownWorker extends WorkerNotice {
  /** Whether it has said something lately. */
  readonly there: boolean;
}

interface Entry extends WorkerNotice {
  /** Milliseconds, by the clock of Redis. */
  readonly seen: number;
}

/** A worker says that it is there, and what it has. */
export async function announceWorker(connection: RedisConnection, id: string, notice: WorkerNotice): Promise<void> {
  const entry: Entry = { ...notice, seen: await timeOf(connection) };
  await connection.run(async () => connection.commands.hset(KEY, id, JSON.stringify(entry)));
  await connection.publish('workers', id);
}

/** A worker ends. Its models are known for a while: another one may come. */
export async function dismissWorker(connection: RedisConnection, id: string, notice: WorkerNotice): Promise<void> {
  const entry: Entry = { ...notice, opened: [], seen: (await timeOf(connection)) - SILENT };
  await connection.run(async () => connection.commands.hset(KEY, id, JSON.stringify(entry)));
  await connection.publish('workers', id);
}

/** The workers that there are, or were a while ago, those that began first before the others. */
export async function readWorkers(connection: RedisConnection): Promise<readonly KnownWorker[]> {
  const now = await timeOf(connection);
  const entries = await connection.run(async () => connection.commands.hgetall(KEY));
  const workers: (Entry & { readonly there: boolean })[] = [];
  for (const [id, text] of Object.entries(entries)) {
    const entry = JSON.parse(text) as Entry;
    if (now - entry.seen >= FORGOTTEN) await connection.run(async () => connection.commands.hdel(KEY, id));
    else workers.push({ ...entry, there: now - entry.seen < SILENT });
  }
  return workers.toSorted((a, b) => a.startedAt - b.startedAt);
}

async function timeOf(connection: RedisConnection): Promise<number> {
  const [seconds, microseconds] = await connection.run(async () => connection.commands.time());
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
