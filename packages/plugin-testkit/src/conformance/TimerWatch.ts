import { type AsyncHook, createHook } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';

/** What Node calls them; `unref` makes no difference. */
const TIMERS: ReadonlySet<string> = new Set(['Timeout', 'Immediate']);
/** Node tells of a timer that was cleared some turns of its loop later. */
const TURNS = 3;
/** Frames of the trace that are this file's and Node's own. */
const OWN_FRAMES = /node:|TimerWatch/;
/** Whose timers are no plugin's: a test framework's, such as the one by which jest tells of a test that passed. */
const FRAMEWORKS = /node_modules[/\\](?:@?jest|@?vitest)\b/;

/** Sees which timers are begun from when it is made until {@link TimerWatch.stop}, whoever begins them and by whichever of Node's functions. */
export class TimerWatch implements Disposable {
  readonly #begun = new Map<number, string>();
  readonly #hook: AsyncHook;
  #stopped = false;

  constructor() {
    this.#hook = createHook({
      init: (id, type) => {
        if (this.#stopped || !TIMERS.has(type)) return;
        const where = whereFrom(new Error(type));
        if (!FRAMEWORKS.test(where)) this.#begun.set(id, where);
      },
      destroy: (id) => void this.#begun.delete(id),
    }).enable();
  }

  /** Looks at no timers that are begun later. */
  stop(): void {
    this.#stopped = true;
  }

  /** Where those timers were begun that are neither over nor cleared: a line of a stack trace each. */
  async running(): Promise<string[]> {
    this.stop();
    for (let i = 0; i < TURNS; i++) await turn();
    return [...this.#begun.values()];
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
  }
}

function whereFrom({ message, stack = '' }: Error): string {
  const frame = stack
    .split('\n')
    .slice(1)
    .find((line) => !OWN_FRAMES.test(line));
  return `${message} ${frame?.trim() ?? ''}`.trim();
}
