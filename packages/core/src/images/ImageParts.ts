/** What an image is made of. */
export interface ImageParts {
  readonly width: number;
  readonly height: number;
  /** 3 for RGB, the default; 4 for RGBA; 1 for grey. */
  readonly channels?: 1 | 3 | 4 | undefined;
  /** 8 bits for each channel of each pixel, row by row from the top: `width · height · channels` bytes. Not copied. */
  readonly data: Uint8Array;
  /** Texts that are written into the file, such as `parameters`: prompt and settings. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** An image as its encoders see it: nothing but its parts. */
export type PlainImage = { readonly [K in keyof ImageParts]-?: Exclude<ImageParts[K], undefined> };
