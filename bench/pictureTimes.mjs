// What pictures of 20 steps take on SD 1.5 at full size with random weights, 512×512, with guidance: ways in turn, beside plain onnxruntime-node.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { describeMachine } from './machine.mjs';
import { PlainEngine } from './PlainEngine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';

/** Steps of a picture. */
export const STEPS = 20;

/** Whether a call of the UNet is one that computes everything, of `calls` in a picture: each `interval`th does, up to the last, and the first. */
const isWhole = (call, calls, interval) => call === 0 || (calls - 1 - call) % interval === 0;

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2);

/** One way to compute, in a pipeline of its own. `interval`: every how many steps it computes everything; such a way has the text encoder and the VAE of the one before it. */
class Way {
  label;
  #interval;
  #pipe;
  #whole = [];
  #between = [];
  #others = [];
  #warm = false;
  /** How many calls a picture has beyond its steps: PNDM, SD 1.5's own scheduler, has one. */
  #extra = 0;

  constructor(label, interval = 1) {
    this.label = label;
    this.#interval = interval;
  }

  static async open({ label, plugins, interval }, checkpoint) {
    const way = new Way(label, interval);
    way.#pipe = await DiffusionPipeline.fromPretrained(checkpoint);
    for (const plugin of plugins()) await way.#pipe.use(plugin);
    return way;
  }

  get decodes() {
    return this.#interval === 1;
  }

  /** Steps of a run; the first of all makes sessions and is not counted. */
  async run(steps, decodes) {
    const { timings } = await this.#pipe.generate('a red fox in the snow', {
      numInferenceSteps: steps,
      width: 512,
      height: 512,
      seed: 1,
      outputType: decodes ? 'tensor' : 'latent',
    });
    const calls = timings.steps.length;
    this.#extra = calls - steps;
    for (const [i, milliseconds] of timings.steps.entries()) {
      if (i === 0 && !this.#warm) continue;
      (isWhole(i, calls, this.#interval) ? this.#whole : this.#between).push(milliseconds);
    }
    this.#warm = true;
    if (decodes) this.#others.push(timings.encodePrompt + timings.decode);
    process.stderr.write(
      `${this.label}: ${timings.steps.map(seconds).join(' ')}, decoding ${seconds(timings.decode)}\n`,
    );
  }

  get whole() {
    return median(this.#whole);
  }

  get between() {
    return this.#between.length === 0 ? undefined : median(this.#between);
  }

  /** Calls of the UNet in a picture. */
  get calls() {
    return STEPS + this.#extra;
  }

  /** Of all calls of a picture. */
  get steps() {
    const whole = Array.from({ length: this.calls }, (_, i) => isWhole(i, this.calls, this.#interval)).filter(Boolean);
    return whole.length * this.whole + (this.calls - whole.length) * (this.between ?? 0);
  }

  get rest() {
    return median(this.#others);
  }

  async dispose() {
    await this.#pipe.dispose();
  }
}

/**
 * Measures what each of `ways`, { label, plugins, interval }, takes for a picture: { label, calls, whole, between, steps, picture }, calls of the UNet, and milliseconds of one that computes everything, of one in between,
 * of all, and with text encoder and VAE.
 *
 * @param steps how many of each way are measured in a round, in turn with the others; half of them where all are alike
 * @param plain whether onnxruntime-node at its defaults takes its turn, too, as the first row
 */
export async function measurePictures(ways, { checkpoint: folder, steps, rounds, plain }) {
  const checkpoint = sd15Checkpoint('f16', folder);
  const cache = mkdtempSync(join(tmpdir(), 'thimble-bench-cache-'));
  process.env.THIMBLE_CACHE ??= cache;
  const opened = [];
  const engine = plain ? new PlainEngine(checkpoint, 2) : undefined;
  try {
    for (const way of ways) opened.push(await Way.open(way, checkpoint));
    await engine?.load();
    const passes = [];
    for (let round = 0; round < rounds; round++) {
      if (engine !== undefined) {
        if (round === 0) await engine.run();
        passes.push(await engine.run());
      }
      for (const way of opened) await way.run(way.decodes ? Math.ceil(steps / 2) : steps, way.decodes);
    }
    const rows = opened.map((way, i) => ({
      label: way.label,
      calls: way.calls,
      whole: way.whole,
      between: way.between,
      steps: way.steps,
      picture: way.steps + (way.decodes ? way : opened[i - 1]).rest,
    }));
    if (engine === undefined) return rows;
    const whole = median(passes);
    const [{ calls }] = rows;
    return [{ label: engine.label, calls, whole, steps: calls * whole }, ...rows];
  } finally {
    for (const way of opened) await way.dispose();
    await engine?.dispose();
    rmSync(cache, { recursive: true, force: true });
  }
}

/** Prints what {@link measurePictures} measures. */
export async function tableOfPictureTimes(ways, options) {
  const rows = await measurePictures(ways, options);
  const optional = (milliseconds) => (milliseconds === undefined ? '' : seconds(milliseconds));
  console.log(
    `SD 1.5 at full size (random weights), f16 files, 512×512 with guidance, ${STEPS} steps; medians of ${options.rounds} × ${options.steps} steps, ways in turn. ${describeMachine()}\n`,
  );
  console.log(
    markdownTable(
      ['', 's a whole step', 's one in between', `${STEPS} steps`, 'faster', 'with text and VAE'],
      rows.map(({ label, whole, between, steps, picture }) => [
        label,
        seconds(whole),
        optional(between),
        seconds(steps),
        `×${(rows[0].steps / steps).toFixed(2)}`,
        optional(picture),
      ]),
    ),
  );
}
