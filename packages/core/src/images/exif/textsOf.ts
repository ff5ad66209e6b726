import type { Metadata } from 'sharp';
import { userComment } from './userComment.js';

/** The texts that a file's header has. */
export function textsOf({ comments = [], exif }: Metadata): Record<string, string> {
  const comment = exif === undefined ? undefined : userComment(exif);
  return {
    ...(comment === undefined || comment === '' ? {} : { parameters: comment }),
    ...Object.fromEntries(comments.map(({ keyword, text }) => [keyword, text])),
  };
}
