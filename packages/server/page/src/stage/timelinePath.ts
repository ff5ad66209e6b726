/** Where a timeline is drawn. */
export interface TimelineBox {
  readonly width: number;
  readonly height: number;
  /** Bytes at the upper edge. */
  readonly top: number;
}

/** SVG paths of a timeline, over the whole width: its line, and the area below. One sample is a level line. */
export function timelinePath(
  samples: readonly (readonly [at: number, bytes: number])[],
  { width, height, top }: TimelineBox,
): { readonly line: string; readonly area: string } {
  const from = samples[0]?.[0] ?? 0;
  const duration = (samples.at(-1)?.[0] ?? 0) - from;
  const points = samples.map(([at, bytes]) => {
    const x = duration === 0 ? 0 : ((at - from) / duration) * width;
    return `${x.toFixed(1)} ${(height * (1 - bytes / top)).toFixed(1)}`;
  });
  const line = `M${points.join('L')}${duration === 0 ? `H${width}` : ''}`;
  return { line, area: `${line}V${height}H0Z` };
}
