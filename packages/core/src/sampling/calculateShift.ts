import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger } from '../fields/checkNumber.js';

/**
 * The shift `mu` of FLUX.1's and Qwen-Image's noise levels: the straight line through the two numbers of tokens that the config names (source: diffusers pipelines/flux/pipeline_flux.py,
 * `calculate_shift`). `undefined` for a scheduler that shifts by a constant.
 */
export function calculateShift(tokens: number, config: Readonly<Record<string, unknown>>): number | undefined {
  checkInteger('tokens', tokens, 1);
  checkMembers('config', config, "a scheduler's config", []);
  if (config['use_dynamic_shifting'] !== true) return undefined;
  const number = (value: unknown, fallback: number): number => Number(value ?? fallback);
  const [fewest, most] = [number(config['base_image_seq_len'], 256), number(config['max_image_seq_len'], 4096)];
  const [least, greatest] = [number(config['base_shift'], 0.5), number(config['max_shift'], 1.15)];
  const slope = (greatest - least) / (most - fewest);
  return tokens * slope + (least - slope * fewest);
}
