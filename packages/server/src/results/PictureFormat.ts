/** The formats of results, as OpenAI names them. */
export const PICTURE_FORMATS = ['png', 'jpeg', 'webp'] as const;

/** One of {@link PICTURE_FORMATS}. */
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** The format that a name ends with. */
export function formatOfKey(key: string): PictureFormat {
  return PICTURE_FORMATS.find((format) => key.endsWith(`.${format}`)) ?? 'png';
}
