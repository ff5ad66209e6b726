import { type Component, type Tensor } from '@thimble/core';
import { checkMembers, checkOptionNames, type DerivedWeightsProgress } from '@thimble/core/plugin';
import { CODE_LIMITS } from './CodeLimits.js';
import { int8Stage } from './int8Stage.js';
import { Int8Weights } from './Int8Weights.js';
import { measureSums } from './measureSums.js';
import { CACHED_BYTES, computeInInt8 } from './passes/computeInInt8.js';
import { selectLayers } from './selectLayers.js';

/** What one call costs when a part of a component alone computes in int8. */
export interface Int8Sensitivity {
  /** A submodule, such as `down_blocks.0.resnets.0`, or a layer in it. */
  readonly name: string;
  /** How much louder the outputs are than their distance from those in float32; Infinity = the same. */
  readonly decibels: number;
}

/** Options of {@link measureSensitivity}. */
export interface SensitivityOptions {
  /** Entry point that is called. Default 'call'. */
  readonly entry?: string | undefined;
  /** What is put into int8 by itself: a submodule, or each of its layers, which takes as many calls as there are layers. Default 'segment'. */
  readonly by?: 'segment' | 'layer' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how the making of the weights goes. */
  readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
  /** Told of every part that is measured. */
  readonly onMeasured?: ((part: Int8Sensitivity, done: number, total: number) => void) | undefined;
}

/**
 * Finds the parts of a component that lose most in int8: calls it once in float32, and once with each part alone in int8; the most sensitive ones come
 * first. What is sensitive is worth a pattern in `keep`.
 *
 * @throws `signal.reason`; what the component throws
 */
export async function measureSensitivity(
  component: Component,
  inputs: Readonly<Record<string, Tensor>>,
  options: SensitivityOptions = {},
): Promise<readonly Int8Sensitivity[]> {
  checkMembers('component', component, 'a component of a pipeline', ['name', 'model', 'device']);
  checkOptionNames(options, ['entry', 'by', 'signal', 'onProgress', 'onMeasured'], 'measureSensitivity');
  const { entry = 'call', by = 'segment', signal, onProgress, onMeasured } = options;
  const sums = await measureSums(component);
  await using weights = await Int8Weights.of(component.weights, {
    layers: selectLayers(component, []),
    limits: CODE_LIMITS[sums],
    signal,
    onProgress,
  });
  const call = async (): Promise<Readonly<Record<string, Tensor>>> => component.invoke(entry, inputs, { signal });
  const parts = new Map<string, string>();
  const plain = await withPass(
    component,
    (key, segment) => {
      parts.set(
        by === 'segment' ? segment : `${segment} ${key}`,
        by === 'segment' ? segment : key.replace(/\.weight$/, ''),
      );
      return false;
    },
    weights,
    call,
  );
  const measured: Int8Sensitivity[] = [];
  for (const [id, name] of parts) {
    const outputs = await withPass(
      component,
      (key, segment) => (by === 'segment' ? segment : `${segment} ${key}`) === id,
      weights,
      call,
    );
    const part = {
      name,
      decibels: Math.min(
        ...Object.entries(plain).map(([output, tensor]) => decibelsOf(tensor, outputs[output] as Tensor)),
      ),
    };
    measured.push(part);
    onMeasured?.(part, measured.length, parts.size);
  }
  return measured.toSorted((a, b) => a.decibels - b.decibels);
}

/** Calls while the weights that `chosen` names are computed with in int8. */
async function withPass<T>(
  component: Component,
  chosen: (key: string, segment: string) => boolean,
  weights: Int8Weights,
  call: () => Promise<T>,
): Promise<T> {
  using tap = component.hooks.transformGraph.tap(
    { name: 'thimble:int8-sensitivity', stage: int8Stage },
    (graph, context) => {
      if (context.component !== component.name) return undefined;
      return computeInInt8(graph, {
        budget: CACHED_BYTES,
        isWorthwhile: () => true,
        find: (weight) => {
          const found = weights.find(weight);
          return found !== undefined && chosen(weight.key, context.segment) ? found : undefined;
        },
      });
    },
  );
  void tap;
  return await call();
}

function decibelsOf(signal: Tensor, other: Tensor): number {
  const [a, b] = [signal.data as Float32Array, other.data as Float32Array];
  let [power, off] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    power += (a[i] as number) ** 2;
    off += ((a[i] as number) - (b[i] as number)) ** 2;
  }
  return off === 0 ? Infinity : 10 * Math.log10(power / off);
}
