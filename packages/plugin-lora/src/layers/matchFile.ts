import { type ComponentHandle, rowLength, swapHalves, type TensorView } from '@thimble/core/plugin';
import { type MatrixSize, sizeOf, swapRows } from '../deltas/Delta.js';
import type { FileLayer } from '../files/FileLayer.js';
import type { LoraFile } from '../files/LoraFile.js';
import { attendingBlocks, blockPlace } from './blockPlace.js';
import type { LayerChange } from './LayerChange.js';
import { layerNames, type NamedLayer } from './layerNames.js';
import { splitName } from './splitName.js';

/** A layer that has another shape in the model. */
export interface WrongShape {
  /** What the file calls it. */
  readonly layer: string;
  readonly expected: string;
  readonly found: string;
}

/** What a file does to a component. */
export interface ComponentMatch {
  /** By state-dict key. */
  readonly changes: ReadonlyMap<string, LayerChange>;
  /** Names of the file's layers that fit. */
  readonly applied: ReadonlySet<string>;
  readonly wrongShape: readonly WrongShape[];
}

/** Finds the layers of a component that a file changes. */
export function matchFile(
  adapter: string,
  { layers }: LoraFile,
  { name: component, model }: Pick<ComponentHandle, 'name' | 'model'>,
): ComponentMatch {
  const names = layerNames(model);
  const attending = attendingBlocks(model.parameters.map(({ key }) => key));
  const changes = new Map<string, LayerChange>();
  const applied = new Set<string>();
  const wrongShape: WrongShape[] = [];
  for (const layer of layers) {
    const named = splitName(layer.name)
      .filter(({ components }) => components.test(component))
      .map((split) => names.get(split.layer))
      .find((found) => found !== undefined);
    if (named === undefined) continue;
    const problem = misfit(layer, named);
    if (problem !== undefined) {
      wrongShape.push(problem);
      continue;
    }
    applied.add(layer.name);
    for (const { key, start, swapped } of named) {
      const { delta, factor, magnitude } = swapped === true ? withSwappedHalves(layer) : layer;
      changes.set(key, { adapter, component, delta, factor, magnitude, start, place: blockPlace(key, attending) });
    }
  }
  return { changes, applied, wrongShape };
}

/** What a file does to a layer whose halves lie the other way round there. */
function withSwappedHalves(layer: FileLayer): FileLayer {
  const { delta, magnitude } = layer;
  return { ...layer, delta: swapRows(delta), magnitude: magnitude && swapHalves(magnitude) };
}

function misfit({ name: layer, delta, magnitude }: FileLayer, named: readonly NamedLayer[]): WrongShape | undefined {
  const [rows, columns] = sizeOf(delta);
  const expected = sizeOfLayers(named);
  if (rows !== expected[0] || columns !== expected[1])
    return { layer, expected: expected.join(' × '), found: `${rows} × ${columns}` };
  if (magnitude === undefined || isLengthOfRows(magnitude, rows)) return undefined;
  return { layer, expected: `${rows} lengths of rows`, found: `magnitudes [${magnitude.shape.join(', ')}]` };
}

/** LyCORIS once wrote the lengths of columns, which lie the other way round, and may be as many. */
function isLengthOfRows({ name, shape }: TensorView, rows: number): boolean {
  if (shape.reduce((a, b) => a * b, 1) !== rows) return false;
  return !name.endsWith('.dora_scale') || shape[0] === rows;
}

function sizeOfLayers(named: readonly NamedLayer[]): MatrixSize {
  const rows = named.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  return [rows, rowLength(named[0] as NamedLayer)];
}
