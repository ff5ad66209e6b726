/** Version of `@thimble/core`, which plugins' `engines` are checked against. */
export const VERSION = '0.2.0';
