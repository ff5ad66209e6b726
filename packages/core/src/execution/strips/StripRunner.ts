import { Tensor } from 'onnxruntime-common';
import type { ComponentHandle } from '../../hooks/calls/ComponentHandle.js';
import type { DeviceRows, RowRange } from '../../device/DeviceRows.js';
import type { DeviceTensor } from '../../device/DeviceTensor.js';
import type { GraphNode } from '../../graph/Graph.js';
import type { Program, ProgramResult } from '../../device/Program.js';
import { ATTENTION_STATE, attentionStep } from '../../graph/rows/attentionStep.js';
import { type Cut, cutRows, type StoredType } from '../../graph/rows/cutRows.js';
import { GroupStatistics } from '../../graph/rows/GroupStatistics.js';
import { statisticsInputs } from '../../graph/rows/GroupNormSite.js';
import type { RowGraph } from '../../graph/rows/RowGraph.js';
import type { Rows } from '../../graph/rows/RowLayout.js';
import { SessionPool } from './SessionPool.js';
import type { PlannedPhase, StripPlan } from '../../graph/rows/StripPlan.js';

/** Of what a picture is made of, sent to the device at once. */
const MOST_GIVEN_BYTES = 4 * 2 ** 20;

/** What a {@link StripRunner} works with. */
export interface StripRunnerParts {
  readonly component: ComponentHandle;
  readonly model: RowGraph;
  readonly plan: StripPlan;
  /** Bytes that the scores of attention may take. */
  readonly scoreBytes: number;
  /** Where values that memory has no room for are kept. */
  readonly folder: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told after every strip. */
  readonly progress: (done: number, total: number) => void;
}

/** Rows of the result. */
export interface ResultRows extends Rows {
  /** float32 [1, c, count, w]. */
  readonly tensor: Tensor;
}

/** Computes a graph phase by phase, strip by strip; values between phases lie on the device, in memory or on disk. */
export class StripRunner {
  readonly #parts: StripRunnerParts;
  readonly #stored = new Map<string, DeviceRows>();
  readonly #statistics = new Map<string, GroupStatistics>();
  readonly #result: string;
  readonly #typeOf = (value: string): StoredType => this.#parts.plan.placements.get(value)?.type ?? 'float32';
  #done = 0;

  constructor(parts: StripRunnerParts) {
    this.#parts = parts;
    this.#result = parts.model.graph.outputs[0]?.name as string;
  }

  /** The statistics of every normalised value, by its name, once all is computed. */
  get statistics(): ReadonlyMap<string, GroupStatistics> {
    return this.#statistics;
  }

  /** Gives the rows of the result from the top. Everything on the device is freed at the end, however it comes. @throws `signal.reason`, ERR_DISK_FULL */
  async *run(x: Tensor): AsyncGenerator<ResultRows> {
    const {
      model,
      plan,
      component: { device },
    } = this.#parts;
    try {
      await this.#give(model.graph.inputs[0]?.name as string, x);
      for (const [index, phase] of plan.phases.entries()) {
        yield* this.#runPhase(phase, `strips.${index}`);
        await this.#free(phase.last);
      }
    } finally {
      await device.free([...this.#stored.values()]);
      this.#stored.clear();
    }
  }

  async *#runPhase(phase: PlannedPhase, name: string): AsyncGenerator<ResultRows> {
    const { component, model } = this.#parts;
    const measured = model.groupsOf(phase.outputs);
    for (const [value, groups] of measured) this.#statistics.set(value, new GroupStatistics(groups));
    for (const value of phase.outputs) if (value !== this.#result) await this.#store(value);
    await using sessions = new SessionPool(component);
    for (const rows of phase.strips) {
      const given = new Set(phase.reads);
      const attended =
        phase.attention === undefined ? undefined : await this.#attend(phase.attention, rows, given, name, sessions);
      if (attended !== undefined) given.add(phase.attention?.outputs[0] as string);
      const cut = cutRows(model, { name, outputs: phase.outputs, rows, given, measured, typeOf: this.#typeOf });
      const { downloaded } = await this.#runCut(cut, phase, rows, sessions, attended);
      if (attended !== undefined) await component.device.free(Object.values(attended));
      for (const value of measured.keys()) this.#measure(value, downloaded, rows);
      this.#tell();
      const result = downloaded[`${this.#result}/out`];
      if (result !== undefined) yield { ...rows, tensor: result };
    }
  }

  async #runCut(
    cut: Cut,
    { outputs }: PlannedPhase,
    rows: Rows,
    sessions: SessionPool,
    handles: Readonly<Record<string, DeviceTensor>> = {},
  ): Promise<ProgramResult> {
    const {
      component: { device },
      signal,
    } = this.#parts;
    const session = await sessions.of(cut.graph);
    const names = cut.graph.outputs.map(({ name }) => name);
    const targets = outputs.flatMap((value) => {
      const of = this.#stored.get(value);
      return of === undefined ? [] : [[`${value}/out`, { of, ...this.#elementsOf(value, rows) }] as const];
    });
    return device.run(
      {
        inputs: { ...this.#inputsOf(cut), ...handles },
        steps: [
          { session, feeds: identity(cut.graph.inputs.map(({ name }) => name)), results: identity(names), release: [] },
        ],
        outputs: {
          ...Object.fromEntries(names.map((name) => [name, 'download' as const])),
          ...Object.fromEntries(targets),
        },
      },
      signal,
    );
  }

  /** What a part reads of stored values, and the statistics of its normalisations. */
  #inputsOf({ graph, reads, norms }: Cut): Record<string, Tensor | RowRange> {
    const ports = new Map(
      graph.inputs.map(({ name, type }) => [type === 'float32' ? name : name.slice(0, -type.length - 1), name]),
    );
    const stored = [...reads].flatMap(([value, rows]) => {
      const of = this.#stored.get(value);
      return of === undefined ? [] : [[ports.get(value) as string, { of, ...this.#elementsOf(value, rows) }] as const];
    });
    return Object.fromEntries<Tensor | RowRange>([
      ...stored,
      ...norms.flatMap((site) => statisticsInputs(site, this.#statistics.get(site.input) as GroupStatistics)),
    ]);
  }

  #measure(value: string, downloaded: ProgramResult['downloaded'], rows: Rows): void {
    const statistics = this.#statistics.get(value) as GroupStatistics;
    const [mean, m2] = ['mean', 'm2'].map(
      (name) => (downloaded[`${value}/${name}`] as Tensor).data as Float32Array,
    ) as [Float32Array, Float32Array];
    const size = this.#parts.model.shapeOf(value, rows).reduce((a, b) => a * b, 1);
    statistics.add(mean, m2, size / mean.length);
  }

  /** The attention of the queries of some rows over all keys and values, piece by piece. */
  async #attend(
    node: GraphNode,
    rows: Rows,
    given: ReadonlySet<string>,
    name: string,
    sessions: SessionPool,
  ): Promise<Record<string, DeviceTensor>> {
    const {
      component: { device },
      model,
      scoreBytes,
      signal,
    } = this.#parts;
    const [query, key, value] = node.inputs as [string, string, string];
    const cut = cutRows(model, { name: `${name}.query`, outputs: [query], rows, given, typeOf: this.#typeOf });
    const computed = await this.#keep(await sessions.of(cut.graph), this.#inputsOf(cut), { [`${query}/out`]: 'query' });
    const [, tokens = 0, channels = 0] = model.graph.shapeOf(key);
    const queries = model.shapeOf(query, rows)[1] as number;
    const most = Math.max(1, Math.floor(scoreBytes / (queries * 4)));
    let state: Record<string, DeviceTensor> = {};
    for (let start = 0; start < tokens; start += most) {
      const count = Math.min(most, tokens - start);
      const [first, last] = [start === 0, start + count === tokens];
      const piece = (of: string): RowRange => ({ of: this.#stored.get(of) as DeviceRows, start, count });
      const before = Object.fromEntries(Object.entries(state).map(([part, tensor]) => [`${part}/in`, tensor]));
      const outputs = last ? { attended: node.outputs[0] as string } : identity(ATTENTION_STATE);
      const session = await sessions.of(
        attentionStep(`${name}.attention`, channels, {
          first,
          last,
          stored: { key: this.#typeOf(key), value: this.#typeOf(value) },
        }),
      );
      const next = await this.#keep(session, { ...before, ...computed, key: piece(key), value: piece(value) }, outputs);
      await device.free(Object.values(state));
      state = next;
      signal?.throwIfAborted();
    }
    await device.free(Object.values(computed));
    return state;
  }

  /** Runs one session and keeps what it gives on the device, under other names. */
  async #keep(
    session: number,
    inputs: Program['inputs'],
    names: Readonly<Record<string, string>>,
  ): Promise<Record<string, DeviceTensor>> {
    const {
      component: { device },
      signal,
    } = this.#parts;
    const ports = Object.keys(names);
    const steps = [{ session, feeds: identity(Object.keys(inputs)), results: identity(ports), release: [] }];
    const { kept } = await device.run(
      { inputs, steps, outputs: Object.fromEntries(ports.map((port) => [port, 'keep' as const])) },
      signal,
    );
    return Object.fromEntries(ports.map((port) => [names[port] as string, kept[port] as DeviceTensor]));
  }

  async #store(value: string): Promise<DeviceRows> {
    const {
      model,
      plan,
      component: { device },
      folder,
    } = this.#parts;
    const placement = plan.placements.get(value);
    const shape = model.graph.shapeOf(value);
    const [outer, rows, inner] = (shape.length === 4 ? shape.slice(1) : [1, ...shape.slice(1)]) as [
      number,
      number,
      number,
    ];
    const stored = await device.createRows({
      type: placement?.type ?? 'float32',
      outer,
      rows,
      inner,
      ...(placement?.spilled === true && folder !== undefined ? { folder } : {}),
    });
    this.#stored.set(value, stored);
    return stored;
  }

  /** Rows go to the device a few at a time: on their way they are there several times over. */
  async #give(value: string, x: Tensor): Promise<void> {
    const { component, signal } = this.#parts;
    const of = await this.#store(value);
    const [, channels = 1, height = 1, width = 1] = x.dims;
    const most = Math.max(1, Math.floor(MOST_GIVEN_BYTES / (channels * width * 4)));
    for (let start = 0; start < height; start += most) {
      const count = Math.min(most, height - start);
      const rows = rowsOf(x, { start, count });
      await component.device.run({ inputs: { rows }, steps: [], outputs: { rows: { of, start, count } } }, signal);
    }
  }

  async #free(values: readonly string[]): Promise<void> {
    const stored = values.flatMap((value) => this.#stored.get(value) ?? []);
    for (const value of values) this.#stored.delete(value);
    await this.#parts.component.device.free(stored);
  }

  /** Rows of a picture as rows of what is stored: of tokens there are as many as pixels. */
  #elementsOf(value: string, { start, count }: Rows): Rows {
    const unit = this.#parts.model.layoutOf(value)?.unit ?? 1;
    return { start: start * unit, count: count * unit };
  }

  #tell(): void {
    this.#done++;
    this.#parts.progress(
      this.#done,
      this.#parts.plan.phases.reduce((sum, { strips }) => sum + strips.length, 0),
    );
  }
}

/** Some rows of a tensor [1, c, h, w], copied. */
function rowsOf(x: Tensor, { start, count }: Rows): Tensor {
  const [, channels = 1, height = 1, width = 1] = x.dims;
  const data = new Float32Array(channels * count * width);
  for (let c = 0; c < channels; c++) {
    const from = (c * height + start) * width;
    data.set((x.data as Float32Array).subarray(from, from + count * width), c * count * width);
  }
  return new Tensor('float32', data, [1, channels, count, width]);
}

function identity(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}
