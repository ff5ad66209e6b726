import type { Field } from './Field.js';
import { listField, textField } from './optionFields.js';
import { checkValue } from './readOptions.js';

/** A plugin's choice of components by their names; whatever the plugin takes by default where none is given. */
export function componentNamesField(): Field<readonly string[] | undefined> {
  return listField(textField(''), "a list of component names, such as ['text_encoder', 'vae']", 0);
}

/** Regular expressions, as such or as texts, that are searched for in names. Has no default. {@link toPatterns} reads them. */
export function patternsField(): Field<readonly (string | RegExp)[] | undefined> {
  const list = listField(textField(''), "a list of regular expressions, such as ['norm', 'attn2']", 0);
  const accepts = (x: unknown): boolean => Array.isArray(x) && x.every(isPattern);
  return { ...list, type: 'readonly (string | RegExp)[]', accepts };
}

/** What a {@link patternsField} holds, as regular expressions without the flags g and y, which would remember where they stopped. */
export function toPatterns(patterns: readonly (string | RegExp)[]): readonly RegExp[] {
  checkValue('patterns', patternsField(), patterns);
  return patterns.map((pattern) =>
    typeof pattern === 'string'
      ? new RegExp(pattern)
      : new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, '')),
  );
}

function isPattern(value: unknown): boolean {
  if (value instanceof RegExp) return true;
  if (typeof value !== 'string') return false;
  try {
    return new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}
