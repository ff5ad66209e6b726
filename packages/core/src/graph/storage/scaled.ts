import type { TensorView } from '../../weights/TensorView.js';
import type { GraphWeight } from '../Graph.js';
import { float32 } from './float32.js';
import type { StorageEmitter } from './StorageEmitter.js';
import type { BoundWeight, StorageFormat } from './StorageFormat.js';

/**
 * A format whose elements are multiplied by one float32, which lies apart (`TensorView.scale`): eight-bit floats as ComfyUI writes them, so that the largest weight of a tensor is the largest code.
 * It is called as the format, with `_SCALED` behind it.
 */
export function scaled(format: StorageFormat): StorageFormat {
  return {
    dtype: `${format.dtype}_SCALED`,
    block: format.block,
    // The float32 before and after.
    widenedBytes: Math.max(8, format.widenedBytes),
    widen(weight, output, emit) {
      format.widen(weight, `${output}/unscaled`, emit, false);
      emit.last('Mul', [`${output}/unscaled`, scaleOf(weight, emit)], output);
    },
    widenRows(weight, site, output, emit) {
      format.widenRows(weight, site, `${output}/unscaled`, emit);
      emit.last('Mul', [`${output}/unscaled`, scaleOf(weight, emit)], output);
    },
    async *read(view) {
      const scale = await readScale(view);
      for await (const piece of format.read(view)) {
        for (let i = 0; i < piece.length; i++) piece[i] = (piece[i] as number) * scale;
        yield piece;
      }
    },
  };
}

/** The factor as a weight of its own: the same for all rows. */
function scaleOf({ name, source, ...weight }: BoundWeight, emit: StorageEmitter): string {
  const scale: GraphWeight = { ...weight, name: `${name}/scale`, shape: [], rows: [0, 1], source: scaleViewOf(source) };
  return emit.bytes(scale, 'float32', []);
}

async function readScale(view: TensorView): Promise<number> {
  let scale = NaN;
  for await (const [value = NaN] of float32.read(scaleViewOf(view))) scale = value;
  return scale;
}

function scaleViewOf({ name, dtype, scale }: TensorView): TensorView {
  if (scale === undefined) throw new TypeError(`"${name}" is stored as ${dtype} and has no scale`);
  return scale;
}
