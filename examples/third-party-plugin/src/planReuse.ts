import { ThimbleError } from '@thimble/core';
import { type ComponentHandle } from '@thimble/core/plugin';

/** Which segments of a UNet a step may pass over. */
export interface ReusePlan {
  /** Those that are passed over. */
  readonly skipped: ReadonlySet<string>;
  /** The last of them: all that the rest needs of them is what this one gives. */
  readonly bridge: string;
}

/**
 * Which segments need not run where only the last `depth` layers of a UNet are computed anew: all between the first layers and those, for the skip
 * connections of the last up block come from the first down block, in reverse order.
 *
 * @throws ThimbleError ERR_ARGUMENT_INVALID where the last up block has not so many layers
 */
export function planReuse({ segments }: ComponentHandle, depth: number): ReusePlan {
  const names = segments.map(({ name }) => name);
  const blocks = names.flatMap((name) => /^up_blocks\.(\d+)\./.exec(name)?.[1] ?? []).map(Number);
  const last = `up_blocks.${Math.max(...blocks)}`;
  const layers = names.filter((name) => name.startsWith(`${last}.resnets.`)).length;
  if (depth > layers)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'depth',
      value: depth,
      expected: `at most ${layers}, the layers of ${last}`,
    });
  const firstAnew = names.indexOf(`${last}.resnets.${layers - depth}`);
  const skipped = names.slice(0, firstAnew).filter((name) => isDeep(name, depth));
  return { skipped: new Set(skipped), bridge: skipped.at(-1) as string };
}

/** Whether the last `depth` layers can do without: they take conv_in and the first `depth - 1` layers of the first down block. */
function isDeep(name: string, depth: number): boolean {
  const layer = /^down_blocks\.0\.(?:resnets|attentions)\.(\d+)$/.exec(name)?.[1];
  if (layer !== undefined) return Number(layer) >= depth - 1;
  return /^(down_blocks|mid_block|up_blocks)\b/.test(name);
}
