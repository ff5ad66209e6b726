import type { JSX } from 'preact';
import { model } from '../form/models.js';
import { duration, size } from '../shell/quantities.js';
import { memoryTimeline } from './memoryTimeline.js';
import { timelinePath } from './timelinePath.js';

const WIDTH = 600;
const HEIGHT = 80;

/** What the server's processes hold while they work, and may hold at most. */
export function MemoryChart(): JSX.Element | null {
  const { samples } = memoryTimeline.value;
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return null;
  const limit = model.value?.memory_limit;
  const peak = Math.max(...samples.map(([, bytes]) => bytes));
  const top = Math.max(peak, limit ?? 0) * 1.05;
  const { line, area } = timelinePath(samples, { width: WIDTH, height: HEIGHT, top });
  return (
    <figure class="memory">
      <figcaption class="line">
        <span>
          Memory <b>{size(last[1])}</b>
        </span>
        <span>{duration(last[0] - first[0])}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Memory over time, ${size(peak)} at most`}
      >
        <path class="area" d={area} />
        <path class="curve" d={line} />
        {limit !== undefined && <path class="limit" d={`M0 ${HEIGHT * (1 - limit / top)}H${WIDTH}`} />}
      </svg>
      <p class="line">
        <span>peak {size(peak)}</span>
        {limit !== undefined && <span>limit {size(limit)}</span>}
      </p>
    </figure>
  );
}
