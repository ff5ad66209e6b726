import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../packages/thimble/dist/cli.js', import.meta.url));
/** The embedded model. */
export const DEMO = fileURLToPath(new URL('../../models/demo', import.meta.url));

/** `thimble serve` with some options, on a port that is free: its address, and the process. */
export async function startServer(...options) {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--rate-limit', '0', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return { url: line.toString().trim(), child, pid: child.pid };
}

/** `thimble worker`. */
export function startWorker(...options) {
  return spawn(process.execPath, [CLI, 'worker', ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Ends a process by a signal, and waits for its end. */
export async function end(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

export async function postJson(url, body, signal) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
}

export async function getJson(url) {
  return (await fetch(url)).json();
}
