import { type KeyMap, ldmUnet } from '@thimble/core/plugin';

/** A ControlNet of the authors' repository (`cldm.py`): a UNet's way down, with an embedding of the picture and a convolution for each residual. */
export const ldmControlNet: KeyMap = {
  blocks: (keys) => new Map([...(ldmUnet.blocks?.(keys) ?? []), ...embeddingLayers(keys)]),
  rules: [
    { from: 'controlnet_cond_embedding.*', to: 'controlnet_cond_embedding.*' },
    { from: 'zero_convs.{i}.0.*', to: 'controlnet_down_blocks.{i}.*' },
    { from: 'middle_block_out.0.*', to: 'controlnet_mid_block.*' },
    ...ldmUnet.rules,
  ],
};

/** The layers of the picture's embedding, which the original counts together with what activates them: `input_hint_block.2.` → `controlnet_cond_embedding.blocks.0.`. */
function embeddingLayers(keys: Iterable<string>): ReadonlyMap<string, string> {
  const found = Array.from(keys, (key) => /^input_hint_block\.(\d+)\./.exec(key)?.[1]);
  const numbers = [...new Set(found.filter((number) => number !== undefined))].sort((a, b) => Number(a) - Number(b));
  const nameOf = (i: number): string => {
    if (i === 0) return 'conv_in';
    return i === numbers.length - 1 ? 'conv_out' : `blocks.${i - 1}`;
  };
  return new Map(
    numbers.map((number, i) => [`input_hint_block.${number}.`, `controlnet_cond_embedding.${nameOf(i)}.`]),
  );
}
