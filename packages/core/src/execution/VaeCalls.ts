import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { DecodeCall } from '../hooks/calls/DecodeCall.js';
import { DecodeWrapping } from '../hooks/calls/DecodeWrapping.js';
import type { EncodeCall } from '../hooks/calls/EncodeCall.js';
import { sampleOfRows } from '../hooks/calls/sampleOfRows.js';
import { rowsOfSample, type SampleRows } from '../hooks/calls/SampleRows.js';
import { type Next, Wrapping } from '../hooks/engine/Wrapping.js';
import type { Hooks } from '../hooks/manifest.js';
import { checkedRows } from '../hooks/calls/checkedRows.js';
import { checkInputs } from './checkInputs.js';
import { entryOf } from './entryOf.js';
import type { EntryRunner } from './EntryRunner.js';
import type { ModelCalls } from './ModelCalls.js';
import { DECODE, ENCODE, type VaeEntryPoint, type VaeStrips } from './strips/VaeStrips.js';

/** Takes a sample in parts as they are done. */
export type DeliverRows = (rows: SampleRows) => void | Promise<void>;

/** What {@link VaeCalls} works with. */
export interface VaeCallsParts {
  readonly handle: ComponentHandle;
  readonly hooks: Hooks;
  readonly entries: EntryRunner;
  readonly calls: ModelCalls;
  readonly strips: VaeStrips;
}

interface Decoding {
  readonly call: DecodeCall;
  readonly wrapping: DecodeWrapping;
}

/** `decode` and `encode` of a VAE: the decode and encode hooks, the model hooks inside them, and what plugins put around the computation inside those. */
export class VaeCalls {
  readonly #handle: ComponentHandle;
  readonly #hooks: Hooks;
  readonly #entries: EntryRunner;
  readonly #calls: ModelCalls;
  readonly #strips: VaeStrips;

  constructor({ handle, hooks, entries, calls, strips }: VaeCallsParts) {
    this.#handle = handle;
    this.#hooks = hooks;
    this.#entries = entries;
    this.#calls = calls;
    this.#strips = strips;
  }

  /** See {@link Component.decode}. */
  async decode({ z }: { readonly z: Tensor }, options: CallOptions): Promise<{ sample: Tensor }> {
    const { call, wrapping } = await this.#beginDecode(z, options);
    call.sample ??= await this.#decodeWhole(call.z, wrapping, options);
    await this.#hooks.afterDecode.call(call);
    return { sample: call.sample };
  }

  /** See {@link Component.decodeRows}. */
  async decodeRows({ z }: { readonly z: Tensor }, deliver: DeliverRows, options: CallOptions): Promise<void> {
    const { call, wrapping } = await this.#beginDecode(z, options);
    if (call.sample === undefined && !this.#hooks.afterDecode.isUsed())
      return this.#decodeParts(call.z, wrapping, deliver, options);
    call.sample ??= await this.#decodeWhole(call.z, wrapping, options);
    await this.#hooks.afterDecode.call(call);
    for await (const rows of rowsOfSample(call.sample)) await deliver(rows);
  }

  /** See {@link Component.encode}. */
  async encode(inputs: { readonly x: Tensor }, options: CallOptions): Promise<{ moments: Tensor }> {
    const { run, signal } = options;
    this.#check('encode', inputs);
    const wrapping = new Wrapping<Tensor, Tensor>();
    const call: EncodeCall = { component: this.#handle.name, x: inputs.x, run, signal, wrap: wrapping.wrap };
    await this.#hooks.beforeEncode.call(call);
    call.moments ??= await this.#encodeWhole(call.x, wrapping, options);
    await this.#hooks.afterEncode.call(call);
    return { moments: call.moments };
  }

  async #beginDecode(z: Tensor, { run, signal }: CallOptions): Promise<Decoding> {
    this.#check('decode', { z });
    const wrapping = new DecodeWrapping();
    const { wrap, wrapRows } = wrapping;
    const call: DecodeCall = { component: this.#handle.name, z, run, signal, wrap, wrapRows };
    await this.#hooks.beforeDecode.call(call);
    return { call, wrapping };
  }

  async #decodeWhole(z: Tensor, wrapping: DecodeWrapping, options: CallOptions): Promise<Tensor> {
    const outputs = await this.#calls.run('decode', { z }, options, async ({ z: given }) => {
      const latents = given as Tensor;
      if (!wrapping.used && !this.#strips.needed(DECODE, latents.dims))
        return this.#entries.run('decode', { z: latents }, options);
      const rows = await wrapping.run(async (part) => this.#rows(DECODE, part, options), latents);
      return { sample: await sampleOfRows(rows, latents.dims[0] as number) };
    });
    return outputs['sample'] as Tensor;
  }

  /**
   * Decodes and delivers each part as it is done; the model call then has no outputs. Where a hook has put code around the model call, that code
   * gets the whole sample, and the parts come after it.
   */
  async #decodeParts(z: Tensor, wrapping: DecodeWrapping, deliver: DeliverRows, options: CallOptions): Promise<void> {
    const { sample } = await this.#calls.run('decode', { z }, options, async ({ z: given }, wrapped) => {
      const latents = given as Tensor;
      const parts = await wrapping.run(async (part) => this.#rows(DECODE, part, options), latents);
      if (wrapped) return { sample: await sampleOfRows(parts, latents.dims[0] as number) };
      for await (const rows of checkedRows(parts, latents.dims[0] as number)) await deliver(rows);
      return {};
    });
    if (sample !== undefined) for await (const rows of rowsOfSample(sample)) await deliver(rows);
  }

  /** The model hooks fire once; what `wrapping` holds computes inside them. */
  async #encodeWhole(x: Tensor, wrapping: Wrapping<Tensor, Tensor>, options: CallOptions): Promise<Tensor> {
    const { name, model } = this.#handle;
    const [output = 'moments'] = entryOf(name, model, 'encode').outputs;
    const compute: Next<Tensor, Tensor> = async (part) =>
      this.#strips.needed(ENCODE, part.dims)
        ? sampleOfRows(this.#rows(ENCODE, part, options), part.dims[0] as number)
        : ((await this.#entries.run('encode', { x: part }, options))[output] as Tensor);
    const outputs = await this.#calls.run('encode', { x }, options, async ({ x: given }) => ({
      [output]: await wrapping.run(compute, given as Tensor),
    }));
    return outputs[output] as Tensor;
  }

  /** The rows of all samples that an entry point gives for `x`, in order. */
  async *#rows(entry: VaeEntryPoint, x: Tensor, options: CallOptions): AsyncGenerator<SampleRows> {
    const { name, input } = entry;
    const [output = ''] = entryOf(this.#handle.name, this.#handle.model, name).outputs;
    let index = 0;
    for (const part of this.#entries.parts(name, { [input]: x })) {
      const given = part[input] as Tensor;
      if (this.#strips.needed(entry, given.dims)) {
        for await (const rows of this.#strips.rows(entry, given, options)) yield { ...rows, index };
      } else {
        let frame = 0;
        for await (const { [output]: sample } of this.#entries.pieces(name, part, options)) {
          yield* rowsOfSample(sample as Tensor, { index, frame });
          frame += (sample as Tensor).dims[2] as number;
        }
      }
      index += given.dims[0] as number;
    }
  }

  #check(entry: string, inputs: Readonly<Record<string, Tensor>>): void {
    const { name, model } = this.#handle;
    checkInputs(name, entry, entryOf(name, model, entry), inputs);
  }
}
