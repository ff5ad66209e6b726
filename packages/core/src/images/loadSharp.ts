import type sharp from 'sharp';

/** The library's one function. */
export type Sharp = typeof sharp;

/** sharp, which takes 25 MB and is only loaded where a file format needs it; set to keep nothing and to take one thread. */
export async function loadSharp(): Promise<Sharp> {
  const { default: loaded } = await import('sharp');
  loaded.cache(false);
  loaded.concurrency(1);
  return loaded;
}
