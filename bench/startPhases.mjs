// A plugin for `thimble generate --use`: notes when a start comes to each of its phases, writes that as JSON into the file that THIMBLE_START_PHASES names, and ends the process where the UNet would
// compute. THIMBLE_START_BEGAN: when the process was asked for, in milliseconds of the epoch.
import { writeFileSync } from 'node:fs';
import { ProcessDevice } from '../packages/core/dist/plugin.js';

const { THIMBLE_START_PHASES: file, THIMBLE_START_BEGAN: began } = process.env;
const phases = {};
const note = (phase) => {
  phases[phase] ??= performance.timeOrigin + performance.now() - Number(began);
};
note('imported');

const { load, run } = Object.fromEntries(
  Object.entries(Object.getOwnPropertyDescriptors(ProcessDevice.prototype)).map(([name, { value }]) => [name, value]),
);
ProcessDevice.prototype.load = async function (...given) {
  note('first load asked');
  const session = await load.apply(this, given);
  note('first session');
  return session;
};
ProcessDevice.prototype.run = async function (program, ...given) {
  note('text encoder runs');
  if (phases['first step'] === undefined) return run.call(this, program, ...given);
  note('UNet runs');
  writeFileSync(file, JSON.stringify(phases));
  process.kill(this.pid, 'SIGKILL');
  process.exit();
};

export class StartPhasesPlugin {
  name = 'bench:start-phases';

  apply({ hooks }) {
    note('opening');
    hooks.beforeRun.tap(this.name, () => note('opened'));
    hooks.beforeStep.tap(this.name, () => note('first step'));
  }
}
