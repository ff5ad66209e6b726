import { ThimbleError } from '../errors.js';
import type { InputShapes, ModelEntry } from '../models/Model.js';
import type { CompiledSegment } from './compileSegment.js';

/** What the segments of one entry point run at given sizes, by their names. */
export interface FrozenPrograms {
  readonly inputs: InputShapes;
  readonly programs: ReadonlyMap<string, CompiledSegment>;
}

/** How an entry point is frozen. */
export interface FreezeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether convolutions are left to the runtime's own kernel: where their weights will be packed for it. Default false. */
  readonly directConvolutions?: boolean | undefined;
}

/** One entry point at fixed sizes whose programs were made before: what a traced component runs. */
export interface FrozenEntry {
  readonly entry: string;
  readonly inputs: InputShapes;
  /** What a call of another entry point or for other sizes throws, both in words: `call(sample: float32 [1, 4, 64, 64])`. */
  mismatch(frozen: string, asked: string): Error;
  /** By segment. Asked at the first call, and again after plugins came or went. */
  programs(): Promise<ReadonlyMap<string, CompiledSegment>>;
}

/** Throws the `mismatch` of a frozen entry point where another one is asked for, or other sizes. */
export function checkFrozen(frozen: FrozenEntry, entry: string, inputs: InputShapes): void {
  const [made, asked] = [describe(frozen.entry, frozen.inputs), describe(entry, inputs)];
  if (made !== asked) throw frozen.mismatch(made, asked);
}

/** @throws ERR_ARGUMENT_INVALID unless an entry point computes inputs of these sizes at once */
export function checkOnePiece(entryName: string, { sequence }: ModelEntry, shapes: InputShapes): void {
  if (sequence === undefined) return;
  const [[name, { dims }]] = Object.entries(shapes) as [[string, InputShapes[string]]];
  const pieces = sequence.pieces(dims[sequence.axis] as number);
  if (pieces.length === 1) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: name,
    value: `[${dims.join(', ')}]`,
    expected: `at most ${Math.max(...pieces)} frames: ${entryName} computes more of them piece by piece; a TracingPlugin traces every piece`,
  });
}

function describe(entry: string, inputs: InputShapes): string {
  return `${entry}(${Object.entries(inputs)
    .map(([name, { type, dims }]) => `${name}: ${type} [${dims.join(', ')}]`)
    .join(', ')})`;
}
