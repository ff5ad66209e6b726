// The server: what HTTP costs, how it bears a crowd whose half leaves, workers that are killed, and how little memory it needs.
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { measureContainer } from './serve/container.mjs';
import { measureCrowd } from './serve/crowd.mjs';
import { measureOverhead } from './serve/overhead.mjs';
import { measureWorkers } from './serve/workers.mjs';

const PARTS = {
  overhead: measureOverhead,
  crowd: measureCrowd,
  workers: measureWorkers,
  container: measureContainer,
};

/**
 * `--only overhead,crowd,workers,container`: parts of it, of which the last one needs root, a memory control group and a full-size checkpoint; `--model demo|sd15` for the overhead, `--rounds 15`;
 * `--requests 1000` of the crowd; `--jobs 300`, `--minutes 2`, `--steps 1`, `--size 128` of the workers; `--limit 320` of the container, in megabytes.
 */
export async function benchServe(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: Object.keys(PARTS).join() },
      model: { type: 'string', default: 'demo' },
      rounds: { type: 'string', default: '15' },
      requests: { type: 'string', default: '1000' },
      jobs: { type: 'string', default: '300' },
      minutes: { type: 'string', default: '2' },
      steps: { type: 'string', default: '1' },
      size: { type: 'string', default: '128' },
      limit: { type: 'string', default: '320' },
    },
  });
  const only = values.only.split(',');
  const unknown = only.find((part) => !Object.hasOwn(PARTS, part));
  if (unknown !== undefined) throw new Error(`no part "${unknown}"; there are ${Object.keys(PARTS).join(', ')}`);
  console.log(`${describeMachine()}\n`);
  const wrong = [];
  for (const part of only) {
    const { lines, problems } = await PARTS[part](values);
    console.log(
      `${part}\n${[...lines, ...problems.map((problem) => `WRONG: ${problem}`)].map((line) => `  ${line}`).join('\n')}\n`,
    );
    wrong.push(...problems);
  }
  if (wrong.length > 0) throw new Error(`${wrong.length} wrong`);
}
