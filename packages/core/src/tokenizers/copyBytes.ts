/** Copies the bytes between `start` and `end`, a few: for those a loop is five times as fast as `Buffer.copy`. @returns where they end in `target` */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  let to = at;
  for (let i = start; i < end; i++) target[to++] = source[i]!;
  return to;
}
