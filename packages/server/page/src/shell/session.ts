import { signal } from '@preact/signals';

/** Whether the server asks for its token. */
export const session = signal<'unknown' | 'open' | 'needed'>('unknown');
