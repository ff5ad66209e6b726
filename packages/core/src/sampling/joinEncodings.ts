import { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';

/**
 * What several text encoders made of the same prompts as one: their vectors side by side, [n, tokens, a] and [n, tokens, b] → [n, tokens, a + b], and the last one's
 * pooled vectors.
 *
 * @throws ERR_ARGUMENT_INVALID if a plugin gave one of them another number of tokens than the others have
 */
export function joinEncodings(encodings: readonly PromptEmbeds[]): PromptEmbeds {
  const { pooled } = encodings.at(-1) as PromptEmbeds;
  const [first, ...others] = encodings.map(({ embeds }) => embeds) as [Tensor, ...Tensor[]];
  if (others.length === 0) return { embeds: first, pooled };
  const [n, tokens] = first.dims as [number, number];
  const wrong = others.find(({ dims }) => dims[0] !== n || dims[1] !== tokens);
  if (wrong !== undefined)
    refuseOption(
      'embeds',
      wrong.dims,
      `[${n}, ${tokens}, width], as the first text encoder has: chunks have to be changed for every encoder`,
    );
  const widths = [first, ...others].map(({ dims }) => dims[2] as number);
  const width = widths.reduce((sum, one) => sum + one, 0);
  const data = new Float32Array(n * tokens * width);
  let column = 0;
  for (const [i, { data: values }] of [first, ...others].entries()) {
    const own = widths[i] as number;
    for (let row = 0; row < n * tokens; row++)
      data.set((values as Float32Array).subarray(row * own, (row + 1) * own), row * width + column);
    column += own;
  }
  return { embeds: new Tensor('float32', data, [n, tokens, width]), pooled };
}
