import { fileURLToPath } from 'node:url';
import { startRedis } from '../../tools/redisServer.mjs';
import { sd15Checkpoint } from '../randomCheckpoint.mjs';
import { underLimit } from '../underLimit.mjs';

const INSIDE = fileURLToPath(new URL('./insideContainer.mjs', import.meta.url));

/** A server and a worker of a full-size SD 1.5 within one hard limit, page cache and all: a picture of 512×512. Redis is outside. */
export async function measureContainer({ limit }) {
  const checkpoint = sd15Checkpoint('f16');
  const redis = await startRedis();
  const command = [process.execPath, INSIDE, redis.url, checkpoint];
  const started = performance.now();
  const limited = underLimit(Number(limit), command, { cold: true });
  await limited.catch(() => undefined);
  await redis.end();
  const { lines, ok, peakAnonymous, peakTotal } = await limited;
  const seconds = (performance.now() - started) / 1000;
  const said = lines.findLast((line) => line.startsWith('{'));
  return {
    lines: [
      `serve + one worker of SD 1.5 (f16, a submodule in memory at a time), 512×512, 2 steps with guidance, within ${limit} MB in all, cold disk: ${ok ? 'done' : 'not done'} after ${seconds.toFixed(0)} s`,
      `peak anonymous ${peakAnonymous} MB, peak with page cache ${peakTotal} MB; ${said ?? ''}`,
    ],
    problems: ok ? [] : lines.slice(-10),
  };
}
