/** A range of a file, in bytes. */
export interface FileRange {
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}
