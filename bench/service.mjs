// Requests of random sizes, some of them aborted, as a service gets them: the demo model within a hard limit, one at a time. Needs root and a memory control group.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { markdownTable } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const WORKER = fileURLToPath(new URL('./serviceWorker.mjs', import.meta.url));

/**
 * `--requests 200 --largest 2048 --limit 512 --seed 1 --patience 7`: what became of the requests, and how the service bore them. Of the clients 30 % leave within 2 s of the begin of
 * their work, 5 % wait however long it takes, and the others leave within `patience` seconds.
 */
export async function benchService(args) {
  const { values } = parseArgs({
    args,
    options: {
      requests: { type: 'string', default: '200' },
      largest: { type: 'string', default: '2048' },
      limit: { type: 'string', default: '512' },
      seed: { type: 'string', default: '1' },
      patience: { type: 'string', default: '7' },
    },
  });
  const { requests, largest, limit, seed, patience } = values;
  const started = performance.now();
  const { lines, ok, peakAnonymous } = await underLimit(Number(limit), [
    process.execPath,
    WORKER,
    requests,
    largest,
    `${limit}MB`,
    seed,
    patience,
  ]);
  const minutes = ((performance.now() - started) / 60_000).toFixed(0);
  const last = lines.findLast((line) => line.startsWith('{'));
  if (!ok || last === undefined) throw new Error(`the service ended:\n${lines.slice(-20).join('\n')}`);
  const { answers, blocked, growth, wrong, mostPixels } = JSON.parse(last);
  console.log(
    `${requests} requests of 64² to ${largest}², 4 steps, within ${limit} MB, ${minutes} min; ${describeMachine()}\n`,
  );
  console.log(
    markdownTable(
      ['answer', 'requests'],
      Object.entries(answers).map(([answer, count]) => [answer, String(count)]),
    ),
  );
  console.log(`\nwrong: ${wrong.length}; the event loop was held for ${blocked} ms at most`);
  console.log(
    `growth ${growth.toFixed(1)} %, peak anonymous ${peakAnonymous} MB; the largest picture had ${(mostPixels / 1e6).toFixed(1)} million pixels`,
  );
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}
