import { ThimbleError } from '../../errors.js';
import type { SampleRows } from './SampleRows.js';

/**
 * Hands parts on as they are, and sees to it that together they are `count` whole pictures, or videos with the same number of frames: what a plugin loses or
 * gives twice would otherwise be a picture that is missing, or of another size.
 *
 * @throws ERR_SAMPLE_ROWS for a part that does not belong to the ones before, and at the end for what is missing
 */
export async function* checkedRows(parts: AsyncIterable<SampleRows>, count: number): AsyncGenerator<SampleRows> {
  const sample = new PartialSample(count);
  for await (const part of parts) {
    sample.add(part);
    yield part;
  }
  sample.assertWhole();
}

/** Which rows of a sample are there. */
class PartialSample {
  readonly #count: number;
  /** Rows that are there, by frame, of each picture or video; a picture has one frame. */
  readonly #rows: number[][];
  #first: SampleRows | undefined;

  constructor(count: number) {
    this.#count = count;
    this.#rows = Array.from({ length: count }, () => []);
  }

  add(part: SampleRows): void {
    const { index, frame = 0, top, height, rows } = part;
    this.#first ??= part;
    const size = [height, ...sizeOf(this.#first)];
    if (height !== this.#first.height || sizeOf(part).join() !== sizeOf(this.#first).join())
      refuse(`one has ${[height, ...sizeOf(part)].join(' × ')} (height, channels, width), another ${size.join(' × ')}`);
    const frames = this.#rows[index];
    if (frames === undefined) return refuse(`there is one of picture ${index}, and ${this.#count} are decoded`);
    const many = rows.dims.at(-2) ?? 0;
    for (let i = frame; i < frame + framesOf(part); i++) {
      const there = frames[i] ?? 0;
      if (top !== there || top + many > height)
        refuse(`rows ${top} to ${top + many} of ${height} come after ${there}, in picture ${index}, frame ${i}`);
      frames[i] = top + many;
    }
  }

  assertWhole(): void {
    const height = this.#first?.height ?? 0;
    const frames = Math.max(1, ...this.#rows.map(({ length }) => length));
    for (const [index, there] of this.#rows.entries()) {
      for (let i = 0; i < frames; i++) {
        const rows = there[i] ?? 0;
        if (rows === 0 || rows !== height)
          refuse(`only ${rows} of ${height} rows of picture ${index}, frame ${i}, are there`);
      }
    }
  }
}

/** Channels and width. */
function sizeOf({ rows: { dims } }: SampleRows): readonly (number | undefined)[] {
  return [dims[1], dims.at(-1)];
}

function framesOf({ rows: { dims } }: SampleRows): number {
  return dims.length === 5 ? (dims[2] as number) : 1;
}

function refuse(problem: string): never {
  throw new ThimbleError('ERR_SAMPLE_ROWS', { problem });
}
