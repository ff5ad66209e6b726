import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const LIMIT = fileURLToPath(new URL('./limit.sh', import.meta.url));

/**
 * Runs a command under a hard memory limit, page cache and all children included; `cold` drops the page cache first. Needs root and a memory
 * control group.
 *
 * @returns {Promise<{ lines: string[], ok: boolean, peakAnonymous: number, peakTotal: number, read: number }>} standard output and error, and megabytes
 */
export async function underLimit(megabytes, command, { cold = false } = {}) {
  const child = spawn('bash', [LIMIT, String(megabytes), ...command], {
    env: { ...process.env, COLD: cold ? '1' : '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  const lines = text.split('\n');
  const last = lines.findLast((line) => line.startsWith('rc=')) ?? '';
  const figure = (name) => Number(new RegExp(`${name}=(\\d+)`).exec(last)?.[1] ?? NaN);
  return {
    lines,
    ok: figure('rc') === 0,
    peakAnonymous: figure('peak_anon_mb'),
    peakTotal: figure('peak_total_mb'),
    read: figure('read_mb'),
  };
}
