/** How an ancestral step is made up: it goes down to the noise level `down`, and noise of the size `up` brings it to `to`. */
export function ancestralNoise(from: number, to: number): { readonly down: number; readonly up: number } {
  const up = Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2);
  return { up, down: Math.sqrt(to ** 2 - up ** 2) };
}
