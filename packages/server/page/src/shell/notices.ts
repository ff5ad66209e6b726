import { signal } from '@preact/signals';
import { RequestError } from '../api/RequestError.js';

/** Something that the user is told until they put it away. */
export interface Notice {
  readonly text: string;
  /** The field that it is about. */
  readonly param?: string | undefined;
}

/** What is told now. */
export const notice = signal<Notice | undefined>(undefined);

/** Whether the server can be reached. */
export const reachable = signal(true);

/** Tells what went wrong. */
export function tell(error: unknown): void {
  if (error instanceof RequestError) {
    if (error.status !== 401) notice.value = { text: error.message, param: error.param };
    return;
  }
  if (error instanceof TypeError) {
    reachable.value = false;
    return;
  }
  notice.value = { text: error instanceof Error ? error.message : String(error) };
}
