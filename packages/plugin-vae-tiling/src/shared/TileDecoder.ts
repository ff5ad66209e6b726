import type { Tensor } from '@thimble/core';
import {
  RowGraph,
  SessionPool,
  cutRows,
  statisticsInputs,
  type ComponentHandle,
  type GroupStatistics,
} from '@thimble/core/plugin';

/** Computes tiles as if each were normalised with statistics that are known already. */
export class TileDecoder implements AsyncDisposable {
  readonly #component: ComponentHandle;
  readonly #entry: string;
  readonly #input: string;
  readonly #statistics: ReadonlyMap<string, GroupStatistics>;
  readonly #sessions: SessionPool;

  /** `statistics` by the name of the normalised value. */
  constructor(
    component: ComponentHandle,
    entry: string,
    input: string,
    statistics: ReadonlyMap<string, GroupStatistics>,
  ) {
    this.#component = component;
    this.#entry = entry;
    this.#input = input;
    this.#statistics = statistics;
    this.#sessions = new SessionPool(component);
  }

  /** One tile, float32 [1, c, h, w]. @throws `signal.reason` */
  async run(tile: Tensor, signal: AbortSignal | undefined): Promise<Tensor> {
    const model = new RowGraph(
      this.#component.graph(this.#entry, { [this.#input]: { type: 'float32', dims: tile.dims } }),
    );
    const output = model.graph.outputs[0]?.name as string;
    const rows = { start: 0, count: model.heightOf(output) };
    const { graph, norms } = cutRows(model, {
      name: `${this.#entry}.tile`,
      outputs: [output],
      rows,
      given: new Set([this.#input]),
    });
    const statistics = norms.flatMap((site) =>
      statisticsInputs(site, this.#statistics.get(site.input) as GroupStatistics),
    );
    const inputs = { [this.#input]: tile, ...Object.fromEntries(statistics) };
    const feeds = Object.fromEntries(Object.keys(inputs).map((name) => [name, name]));
    const result = `${output}/out`;
    const steps = [
      { session: await this.#sessions.of(graph), feeds, results: { [result]: result }, release: Object.keys(feeds) },
    ];
    const { downloaded } = await this.#component.device.run(
      { inputs, steps, outputs: { [result]: 'download' } },
      signal,
    );
    return downloaded[result] as Tensor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions[Symbol.asyncDispose]();
  }
}
