import { setTimeout as sleep } from 'node:timers/promises';
import { readProcessMemory, watchMemory } from './memory.mjs';

/** Passes of engines in turn, each in a process of its own: { engine, load, passes, most } of each, milliseconds and bytes; `warmUp` passes before them are not counted. */
export async function compareEngines(engines, { rounds, warmUp, what = '' }) {
  const rows = [];
  try {
    for (const engine of engines) {
      const load = await engine.load();
      rows.push({ engine, load, passes: [], watch: watchMemory(engine.pid) });
    }
    for (let round = 0; round < warmUp + rounds; round++) {
      for (const { engine, passes } of rows) {
        const milliseconds = await engine.run();
        if (round >= warmUp) passes.push(milliseconds);
        process.stderr.write(
          `${what}${engine.label}: ${(milliseconds / 1000).toFixed(2)} s${round < warmUp ? ' (warm-up)' : ''}\n`,
        );
        await sleep(500);
      }
    }
    return rows.map(({ watch, ...row }) => ({
      ...row,
      most: { ...watch.most, peak: readProcessMemory(row.engine.pid).peak },
    }));
  } finally {
    for (const { engine, watch } of rows) {
      watch.stop();
      await engine.dispose();
    }
  }
}
