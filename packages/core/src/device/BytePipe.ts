import type { Readable } from 'node:stream';

/**
 * Receives the bytes of large tensors over a pipe of their own, straight into their place: as part of a message they would exist three
 * times at once in the receiver.
 */
export class BytePipe {
  readonly #stream: Readable;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(stream: Readable) {
    this.#stream = stream;
  }

  /** The next `byteLength` bytes; calls are served in order. Rejects when the stream ends before. */
  async receive(byteLength: number): Promise<ArrayBuffer> {
    const turn = this.#tail.then(() => this.#read(byteLength));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #read(byteLength: number): Promise<ArrayBuffer> {
    const target = new Uint8Array(byteLength);
    let filled = 0;
    while (filled < byteLength) {
      const wanted = Math.min(byteLength - filled, Math.max(1, this.#stream.readableLength));
      const chunk = this.#stream.read(wanted) as Buffer | null;
      if (chunk === null) await this.#readable();
      else {
        target.set(chunk, filled);
        filled += chunk.length;
      }
    }
    return target.buffer;
  }

  #readable(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => (): void => {
        stream.off('readable', onReadable).off('end', onEnd).off('close', onEnd);
        settle();
      };
      const onReadable = finish(resolve);
      const onEnd = finish(() => reject(new Error('the pipe was closed')));
      if (stream.destroyed || stream.readableEnded) reject(new Error('the pipe was closed'));
      else stream.on('readable', onReadable).on('end', onEnd).on('close', onEnd);
    });
  }
}
