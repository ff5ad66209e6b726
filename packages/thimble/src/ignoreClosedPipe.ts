/** Lets the reader of a pipe leave early (`thimble … | head -1`): what comes after is dropped. Other errors are thrown. */
export function ignoreClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
