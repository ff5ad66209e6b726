import { signal } from '@preact/signals';

/** What one paints a mask with. */
export const brush = {
  /** A part of the picture's longer side. */
  width: signal(0.12),
  erases: signal(false),
};
