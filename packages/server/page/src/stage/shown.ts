import { signal } from '@preact/signals';

/** What is shown large: the job that runs, or the picture of this key. */
export const shown = signal<'job' | (string & {})>('job');
