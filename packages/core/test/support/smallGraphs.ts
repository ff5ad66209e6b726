import type { OnnxModel } from '../../src/device/OnnxModel.js';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import { serializeOnnx } from '../../src/graph/onnx/serializeOnnx.js';
import { add, matMul, scale } from '../../src/graph/operations.js';

/** x [n] → 2x + 1. */
export function affineModel(): OnnxModel {
  const builder = new GraphBuilder('affine');
  const x = builder.input('x', 'float32', [3]);
  builder.output('y', add(scale(x, 2), builder.constant('float32', [], [1])));
  return serializeOnnx(builder.build());
}

/** x [n, n] → x multiplied with itself `times` times: takes long for large n. */
export function slowModel(times: number): OnnxModel {
  const builder = new GraphBuilder('slow');
  const x = builder.input('x', 'float32', [4, 4]);
  let y = x;
  for (let i = 0; i < times; i++) y = scale(matMul(y, x), 0);
  builder.output('y', y);
  return serializeOnnx(builder.build());
}
