import type { KeyMap } from '../../src/weights/keymaps/KeyMap.js';

/** A key map read backwards: what diffusers' keys, with their shapes, are called in the original layout. Several that are fused there come as one. */
export function originalShapes(
  map: KeyMap,
  shapes: ReadonlyMap<string, readonly number[]>,
  prefix: string,
): Map<string, readonly number[]> {
  const blocks = unetBlocks([...shapes.keys()]);
  const result = new Map<string, readonly number[]>();
  for (const [key, shape] of shapes) {
    const found = backwards(map, key, [...shapes.keys()]);
    if (found === undefined) throw new Error(`no rule gives ${key}`);
    const [start, block] = blocks.find(([name]) => found.key.startsWith(name)) ?? ['', ''];
    const name = prefix + block + found.key.slice(start.length);
    const [rows = 0, ...rest] = shape;
    if (found.parts > 1) result.set(name, [rows * found.parts, ...rest]);
    else if (found.squeezed) result.set(name, shape.length === 2 ? [...shape, 1, 1] : shape);
    else result.set(name, found.transposed ? shape.toReversed() : shape);
  }
  return result;
}

function backwards(
  map: KeyMap,
  key: string,
  keys: readonly string[],
): { key: string; parts: number; squeezed: boolean; transposed: boolean } | undefined {
  for (const { from, to, squeezed, transposed } of map.rules) {
    const targets = [to].flat();
    for (const target of targets) {
      const found = match(target, key);
      if (found === null) continue;
      const { groups = {} } = found;
      const name = from.replace('*', groups['rest'] ?? '').replaceAll(/\{(\w)\}/g, (_, letter: string) => {
        if (!target.includes(`{-${letter}}`)) return groups[letter] as string;
        const all = keys.flatMap((each) => /^decoder\.up_blocks\.(\d+)\./.exec(each)?.[1] ?? []).map(Number);
        return String(Math.max(...all) - Number(groups[letter]));
      });
      return { key: name, parts: targets.length, squeezed: squeezed === true, transposed: transposed === true };
    }
  }
  return undefined;
}

const patterns = new Map<string, RegExp>();

function match(template: string, key: string): RegExpExecArray | null {
  const known = patterns.get(template);
  if (known !== undefined) return known.exec(key);
  const text = template
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '(?<rest>.*)')
    .replaceAll(/\{-?(\w)\}/g, String.raw`(?<$1>\d+)`);
  const pattern = new RegExp(`^${text}$`);
  patterns.set(template, pattern);
  return pattern.exec(key);
}

/** Diffusers' blocks, and what they are in the count of the original (SD-FAMILY.md of the fixtures). */
function unetBlocks(keys: readonly string[]): readonly (readonly [string, string])[] {
  const has = (start: string): boolean => keys.some((key) => key.startsWith(start));
  const blocks: (readonly [string, string])[] = [];
  for (let [b, i] = [0, 1]; has(`down_blocks.${b}.`); b++) {
    for (let r = 0; has(`down_blocks.${b}.resnets.${r}.`); r++, i++)
      blocks.push(
        [`down_blocks.${b}.resnets.${r}.`, `input_blocks.${i}.0.`],
        [`down_blocks.${b}.attentions.${r}.`, `input_blocks.${i}.1.`],
      );
    if (has(`down_blocks.${b}.downsamplers.`))
      blocks.push([`down_blocks.${b}.downsamplers.0.`, `input_blocks.${i++}.0.`]);
  }
  for (let [b, i] = [0, 0]; has(`up_blocks.${b}.`); b++) {
    for (let r = 0; has(`up_blocks.${b}.resnets.${r}.`); r++, i++)
      blocks.push(
        [`up_blocks.${b}.resnets.${r}.`, `output_blocks.${i}.0.`],
        [`up_blocks.${b}.attentions.${r}.`, `output_blocks.${i}.1.`],
      );
    const part = has(`up_blocks.${b}.attentions.`) ? 2 : 1;
    blocks.push([`up_blocks.${b}.upsamplers.0.`, `output_blocks.${i - 1}.${part}.`]);
  }
  blocks.push(
    ['mid_block.resnets.0.', 'middle_block.0.'],
    ['mid_block.attentions.0.', 'middle_block.1.'],
    ['mid_block.resnets.1.', 'middle_block.2.'],
  );
  return blocks;
}
