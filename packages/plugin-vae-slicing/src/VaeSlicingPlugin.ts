import { type Plugin, type Tensor } from '@thimble/core';
import {
  concatBatch,
  type Next,
  type PluginContext,
  readOptions,
  type SampleRows,
  splitBatch,
  Stage,
} from '@thimble/core/plugin';

/**
 * Decodes and encodes the pictures of a batch one by one, as diffusers' `enable_slicing()`: the result is the same, and memory is that of one
 * picture. Wraps outside tiling, whichever was installed first.
 */
export class VaeSlicingPlugin implements Plugin {
  readonly name = 'thimble:vae-slicing';
  readonly engines = { thimble: '^0.2.0' };

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for options: it has none */
  constructor(options: Readonly<Record<never, never>> = {}) {
    readOptions(options, {}, 'VaeSlicingPlugin');
  }

  apply({ hooks }: PluginContext): void {
    const tap = { name: this.name, stage: Stage.Early };
    hooks.beforeDecode.tap(tap, ({ wrapRows, signal }) =>
      wrapRows((next) => async (z) => decodeSlices(z, next, signal)),
    );
    hooks.beforeEncode.tap(tap, ({ wrap, signal }) => wrap((next) => async (x) => encodeSlices(x, next, signal)));
  }
}

async function* decodeSlices(
  z: Tensor,
  next: Next<Tensor, AsyncIterable<SampleRows>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<SampleRows> {
  for (const [index, slice] of splitBatch(z).entries()) {
    signal?.throwIfAborted();
    for await (const part of await next(slice)) yield { ...part, index };
  }
}

async function encodeSlices(x: Tensor, next: Next<Tensor, Tensor>, signal: AbortSignal | undefined): Promise<Tensor> {
  const moments: Tensor[] = [];
  for (const slice of splitBatch(x)) {
    signal?.throwIfAborted();
    moments.push(await next(slice));
  }
  return concatBatch(moments);
}
