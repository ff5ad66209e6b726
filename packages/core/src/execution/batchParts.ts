import type { Tensor } from 'onnxruntime-common';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { ModelEntry } from '../models/Model.js';
import { concatBatch, sliceBatch } from './batch.js';

/**
 * The inputs of one call as those of several, of at most `most` samples each. Inputs without a batch, or with a batch of one for all
 * samples, are the same in each; what belongs to one sample goes with it.
 */
export function splitIntoParts(inputs: NamedTensors, entry: ModelEntry, most: number): readonly NamedTensors[] {
  const samplesOf = (name: string): number => samplesOfInput(inputs, entry, name);
  const count = countSamples(inputs, entry);
  if (count <= most) return [inputs];
  return Array.from({ length: Math.ceil(count / most) }, (_, part) => {
    const [start, size] = [part * most, Math.min(most, count - part * most)];
    return Object.fromEntries(
      Object.entries(inputs).flatMap(([name, tensor]) => {
        const { sample } = entry.inputs[name] ?? {};
        if (sample === undefined) return [[name, samplesOf(name) === count ? sliceBatch(tensor, start, size) : tensor]];
        const isIn = sample >= start && sample < start + size;
        return isIn ? [[name.replace(/\d+$/, String(sample - start)), tensor]] : [];
      }),
    );
  });
}

/** How many samples the inputs of a call are. */
export function countSamples(inputs: NamedTensors, entry: ModelEntry): number {
  return Math.max(1, ...Object.keys(inputs).map((name) => samplesOfInput(inputs, entry, name)));
}

function samplesOfInput(inputs: NamedTensors, entry: ModelEntry, name: string): number {
  return entry.inputs[name]?.dims[0] === 'batch' ? (inputs[name]?.dims[0] ?? 1) : 1;
}

/** The outputs of calls on parts of a batch, as those of one. */
export function joinParts(parts: readonly NamedTensors[]): NamedTensors {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first ?? {};
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, concatBatch(parts.map((part) => part[name] as Tensor))]),
  );
}
