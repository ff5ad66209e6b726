import type { Fields } from '@thimble/core/model';

/** Whether an option is a picture, or several: JSON has none, and a text in its place would be a path. */
export function isPictureField({ type, schema }: Fields[string]): boolean {
  return schema === undefined && type !== undefined && /\bImageInput\b/.test(type);
}
