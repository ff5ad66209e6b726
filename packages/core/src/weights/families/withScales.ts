import { ThimbleError } from '../../errors.js';
import type { TensorView } from '../TensorView.js';

/** What ComfyUI calls the scale of a weight, older and newer, and what else it writes beside it. */
const SCALE = /\.(?:scale_weight|weight_scale)$/;
const BESIDE = /(?:^|\.)(?:scale_input|input_scale|scaled_fp8|comfy_quant)$/;
const FLOAT8 = ['F8_E4M3', 'F8_E5M2'];

/**
 * The weights of a file with the scales that ComfyUI writes beside eight-bit floats, one number for each tensor: as views of the scaled storage formats, and without the tensors that only say how to
 * compute with them. Files without scales stay as they are.
 *
 * @throws `ERR_SAFETENSORS_TENSOR` for scales of another kind
 */
export function withScales(path: string, tensors: ReadonlyMap<string, TensorView>): ReadonlyMap<string, TensorView> {
  const scales = [...tensors].filter(([key]) => SCALE.test(key));
  if (scales.length === 0) return tensors;
  const views = new Map([...tensors].filter(([key]) => !SCALE.test(key) && !BESIDE.test(key)));
  for (const [key, scale] of scales) {
    const name = key.replace(SCALE, '.weight');
    const weight = views.get(name);
    const isNumber = scale.dtype === 'F32' && scale.byteLength === 4;
    if (weight === undefined || !isNumber || !FLOAT8.includes(weight.dtype)) {
      const problem = `it is ${scale.dtype} [${scale.shape.join(', ')}], for ${weight?.dtype ?? 'no weight'}; of scales only one F32 for all of a weight in eight-bit floats is known`;
      throw new ThimbleError('ERR_SAFETENSORS_TENSOR', { file: path, tensor: key, problem });
    }
    views.set(name, { ...weight, dtype: `${weight.dtype}_SCALED`, scale });
  }
  return views;
}
