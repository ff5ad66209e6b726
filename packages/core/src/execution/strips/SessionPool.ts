import type { ComponentHandle } from '../../hooks/calls/ComponentHandle.js';
import type { Graph } from '../../graph/Graph.js';

/** Sessions of graphs, each made once, until they are freed together. */
export class SessionPool implements AsyncDisposable {
  readonly #component: ComponentHandle;
  readonly #sessions = new Map<string, number>();

  constructor(component: ComponentHandle) {
    this.#component = component;
  }

  /** The session of a graph. */
  async of(graph: Graph): Promise<number> {
    const model = this.#component.lower(graph);
    const key = Buffer.from(model.bytes).toString('latin1');
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const session = await this.#component.device.load(model);
    this.#sessions.set(key, session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await this.#component.device.unload(session);
  }
}
