import { signal } from '@preact/signals';

/** What the server's processes held, of which job, and when. */
export interface MemoryTimeline {
  readonly job: string;
  /** Milliseconds since 1970, and bytes. */
  readonly samples: readonly (readonly [at: number, bytes: number])[];
}

const NAME = 'thimble.memory';
/** More could not be told apart. */
const MOST_SAMPLES = 600;

/** That of the job that was looked at last; a reload does not lose it. */
export const memoryTimeline = signal<MemoryTimeline>(read());

/** A job's processes hold so many bytes now. */
export function noteMemory(job: string, bytes: number): void {
  const { job: before, samples } = memoryTimeline.value;
  const known = job === before ? samples : [];
  // Of a long run every other sample is left out, and again.
  const kept = known.length < MOST_SAMPLES ? known : known.filter((_, i) => i % 2 === 0);
  memoryTimeline.value = { job, samples: [...kept, [Date.now(), bytes]] };
  try {
    sessionStorage.setItem(NAME, JSON.stringify(memoryTimeline.value));
  } catch {
    // The browser keeps nothing, or has no room.
  }
}

function read(): MemoryTimeline {
  try {
    const { job, samples } = JSON.parse(sessionStorage.getItem(NAME) ?? '{}') as Partial<MemoryTimeline>;
    if (typeof job === 'string' && Array.isArray(samples)) return { job, samples };
  } catch {
    // It was somebody else's.
  }
  return { job: '', samples: [] };
}
