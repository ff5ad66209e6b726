import type { Tensor } from 'onnxruntime-common';
import { sampleOfRows } from './sampleOfRows.js';
import { rowsOfSample, type SampleRows } from './SampleRows.js';
import { type Next, type Wrapper, Wrapping } from '../engine/Wrapping.js';

/** Wrappers around one decoding: those that give a whole sample and those that give it row by row, in one order. */
export class DecodeWrapping {
  readonly #wrapping = new Wrapping<Tensor, AsyncIterable<SampleRows>>();

  /** Whether anything is wrapped around the decoding. */
  get used(): boolean {
    return this.#wrapping.used;
  }

  /** A payload's `wrapRows`. @throws ERR_ARGUMENT_INVALID if `wrapper` is no function, or the decoding has begun */
  readonly wrapRows = (wrapper: Wrapper<Tensor, AsyncIterable<SampleRows>>): void => {
    this.#wrapping.wrap(wrapper);
  };

  /** A payload's `wrap`. @throws ERR_ARGUMENT_INVALID if `wrapper` is no function, or the decoding has begun */
  readonly wrap = (wrapper: Wrapper<Tensor, Tensor>): void => {
    this.wrapRows(typeof wrapper === 'function' ? byRows(wrapper) : wrapper);
  };

  /** Decodes, wrapped. @throws what wrappers and `inner` throw */
  async run(inner: Next<Tensor, AsyncIterable<SampleRows>>, z: Tensor): Promise<AsyncIterable<SampleRows>> {
    return this.#wrapping.run(inner, z);
  }
}

/** A wrapper of whole samples as one of rows: it sees what comes from within as a whole. */
function byRows(wrapper: Wrapper<Tensor, Tensor>): Wrapper<Tensor, AsyncIterable<SampleRows>> {
  return (next) => {
    const wrapped: unknown = wrapper(async (z) => sampleOfRows(await next(z), z.dims[0] as number));
    if (typeof wrapped !== 'function') return wrapped as Next<Tensor, AsyncIterable<SampleRows>>;
    return async (z) => rowsOfSample(await (wrapped as Next<Tensor, Tensor>)(z));
  };
}
