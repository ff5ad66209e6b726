import { describe, expect, test } from '@jest/globals';
import type { NamedStage } from '../../src/hooks/engine/Stage.js';
import { prepareWeights, type PreparedWeights } from '../../src/extension/prepareWeights.js';
import type { ComponentHandle } from '../../src/hooks/calls/ComponentHandle.js';
import type { ModelCall } from '../../src/hooks/calls/ModelCall.js';
import { createHooks, type Hooks } from '../../src/hooks/manifest.js';
import type { Model } from '../../src/models/Model.js';
import { overlay } from '../../src/weights/layers/overlay.js';
import type { TensorView } from '../../src/weights/TensorView.js';
import { storeOf, type WeightStore } from '../../src/weights/WeightStore.js';

const viewOf = (file: string): TensorView => ({ name: 'w', dtype: 'F32', shape: [1], file, offset: 0, byteLength: 4 });

/** A component of one weight, whose layers are stacked whenever somebody asks. */
class OneWeight {
  readonly name = 'unet';
  readonly model = {} as Model;
  readonly hooks: Hooks = createHooks();
  readonly base = storeOf(new Map([['w', viewOf('checkpoint')]]));

  get handle(): ComponentHandle {
    return this as unknown as ComponentHandle;
  }

  get weights(): WeightStore {
    return this.hooks.transformWeights.call(this.base, { component: this.name, model: this.model });
  }

  get file(): string | undefined {
    return this.weights.find('w')?.file;
  }

  async call(signal?: AbortSignal): Promise<void> {
    const call = { component: this.name, handle: this.handle, signal } as Partial<ModelCall> as ModelCall;
    await this.hooks.beforeModelCall.call(call);
  }
}

const MERGE: NamedStage = { name: 'merge', before: 'cast' };
const CAST: NamedStage = { name: 'cast', after: 'merge' };

/** Layers whose weight is a file named after what it was made of, and what was prepared and disposed of. */
class Layers {
  readonly log: string[] = [];
  readonly component = new OneWeight();
  readonly removals: (() => void | Promise<void>)[] = [];
  gate: Promise<void> = Promise.resolve();

  /** What is prepared from here on waits until the result is called. */
  close(): () => void {
    let open = (): void => undefined;
    this.gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  async add(name: string, stage: string | NamedStage, suffix: () => string = () => name): Promise<PreparedWeights> {
    const { component, log } = this;
    return prepareWeights<AsyncDisposable & { readonly file: string }>(
      { hooks: component.hooks, onRemove: (undo) => void this.removals.push(undo) },
      {
        name,
        stage,
        chosen: () => [component.handle],
        prepare: async (_component, below, signal) => {
          const file = `${below.find('w')!.file}+${suffix()}`;
          await this.gate;
          signal.throwIfAborted();
          log.push(file);
          return { file, [Symbol.asyncDispose]: async () => void log.push(`-${file}`) };
        },
        layer: (below, { file }) => overlay(below, new Map([['w', viewOf(file)]])),
      },
    );
  }
}

describe('prepareWeights', () => {
  test.each([
    ['lower first', ['merge', 'cast']],
    ['upper first', ['cast', 'merge']],
  ])('prepares from the layer below, %s', async (_what, order) => {
    const layers = new Layers();
    for (const name of order) await layers.add(name, { merge: MERGE, cast: CAST }[name]!);
    await layers.component.call();
    expect(layers.component.file).toBe('checkpoint+merge+cast');
    const made = layers.log.length;
    await layers.component.call();
    expect(layers.log).toHaveLength(made);
  });

  test('never gives out what was made of other weights than those of now, and disposes of it once it is replaced', async () => {
    const layers = new Layers();
    await layers.add('cast', CAST);
    expect(layers.component.file).toBe('checkpoint+cast');
    const other = layers.component.hooks.transformWeights.tap({ name: 'other', stage: 50 }, (store) =>
      overlay(store, new Map([['w', viewOf('other')]])),
    );
    expect(layers.component.file).toBe('other');
    await layers.component.call();
    expect(layers.component.file).toBe('other+cast');
    other[Symbol.dispose]();
    await layers.component.call();
    expect(layers.log).toEqual(['checkpoint+cast', 'other+cast', '-checkpoint+cast', 'checkpoint+cast', '-other+cast']);
  });

  test('layers of one stage keep their order when the lower one is made anew', async () => {
    const layers = new Layers();
    let version = 1;
    const first = await layers.add('a', MERGE, () => `a${version}`);
    await layers.add('b', MERGE);
    expect(layers.component.file).toBe('checkpoint+a1+b');
    version = 2;
    await first.renew();
    await layers.component.call();
    expect(layers.component.file).toBe('checkpoint+a2+b');
  });

  test('two calls wait for one preparation; where the first is aborted, the second makes it', async () => {
    const layers = new Layers();
    await layers.add('cast', CAST);
    layers.component.hooks.transformWeights.tap({ name: 'other', stage: 50 }, (store) =>
      overlay(store, new Map([['w', viewOf('other')]])),
    );
    const open = layers.close();
    const abort = new AbortController();
    const [aborted, second] = [layers.component.call(abort.signal), layers.component.call()];
    const results = Promise.allSettled([aborted, second]);
    abort.abort(new Error('enough'));
    open();
    expect(await results).toEqual([
      { status: 'rejected', reason: new Error('enough') },
      { status: 'fulfilled', value: undefined },
    ]);
    expect(layers.log).toEqual(['checkpoint+cast', 'other+cast', '-checkpoint+cast']);
  });

  test('a call that waits for the preparation of another leaves at once when it is aborted', async () => {
    const layers = new Layers();
    const prepared = await layers.add('cast', CAST);
    const open = layers.close();
    const renewed = prepared.renew();
    const abort = new AbortController();
    const waiting = layers.component.call(abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    open();
    await renewed;
    expect(layers.log).toEqual(['checkpoint+cast', 'checkpoint+cast', '-checkpoint+cast']);
  });

  test('a change that comes while a component is prepared is not lost', async () => {
    const layers = new Layers();
    let version = 1;
    const prepared = await layers.add('cast', CAST, () => `v${version}`);
    const open = layers.close();
    const changes: Promise<void>[] = [];
    for (version of [2, 3]) changes.push(prepared.renew());
    open();
    await Promise.all(changes);
    expect(layers.component.file).toBe('checkpoint+v3');
  });

  test('removed, nothing of it is left', async () => {
    const layers = new Layers();
    await layers.add('cast', CAST);
    for (const undo of layers.removals) await undo();
    expect(layers.component.file).toBe('checkpoint');
    expect(layers.log).toEqual(['checkpoint+cast', '-checkpoint+cast']);
    expect(Object.values(layers.component.hooks).flatMap((hook) => hook.owners())).toEqual([]);
  });
});
