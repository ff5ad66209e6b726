import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isThimbleError } from '@thimble/core';

const KINDS = ['none', 'none', 'none', 'abort', 'abort', 'kill', 'full disk', 'disk fills', 'dispose', 'remove'];
/** The first run of a tiny model, whose graphs are made and loaded, takes about a second; the next ones a tenth. Trouble comes at any moment of one or the other. */
const MOMENTS_MS = [150, 1500];
/** What a run may fail with, beside the reason of an abort and a disk that is full, whoever filled it. */
const CODES = { kill: 'ERR_DEVICE_CRASHED', dispose: 'ERR_DISPOSED', remove: 'ERR_PLUGIN_REMOVED' };

/** What goes wrong with one run, at a random moment. */
export class Trouble {
  #random;
  #plan;
  #abort = new AbortController();
  #reason = new Error('enough');
  #timer;
  /** Undo what happened, or wait for it. */
  #ends = [];

  constructor(random, plan) {
    this.#random = random;
    this.#plan = plan;
    this.kind = random.of(KINDS);
  }

  get signal() {
    return this.#abort.signal;
  }

  /** From now on it may come. */
  await(pipe, handle) {
    if (this.kind === 'full disk') this.#fillDisk();
    const happen = {
      abort: () => this.#abort.abort(this.#reason),
      kill: () => pipe.device.pid !== undefined && process.kill(pipe.device.pid, 'SIGKILL'),
      'disk fills': () => this.#fillDisk(),
      dispose: () => this.#begin(pipe.dispose()),
      remove: () => handle() !== undefined && this.#begin(pipe.remove(handle())),
    }[this.kind];
    if (happen === undefined) return;
    this.#timer = setTimeout(() => void happen(), this.#random.below(this.#random.of(MOMENTS_MS)));
  }

  /** Waits for what began. @throws what that threw, but for a plugin that cannot be removed because the run goes on */
  async end() {
    clearTimeout(this.#timer);
    for (const end of this.#ends) await end();
  }

  /** Cases whose pixels are right as well: a plugin may be gone before the run begins. */
  otherNames(each) {
    return this.kind === 'remove' ? [each.name.replace(/ \w+$/, ' none')] : [];
  }

  /** What may come of a run that was troubled; undefined for what may not. */
  outcomeOf(error) {
    if (error === this.#reason) return 'aborted';
    // What a plugin met is the cause of its failure.
    for (let each = error; isThimbleError(each); each = each.cause)
      if (each.code === CODES[this.kind] || (this.#plan.isSmall && each.code === 'ERR_DISK_FULL')) return each.code;
    return undefined;
  }

  #begin(promise) {
    const settled = promise.catch((error) => {
      if (!isThimbleError(error, 'ERR_PIPELINE_BUSY')) return error;
    });
    this.#ends.push(async () => {
      const error = await settled;
      if (error !== undefined) throw error;
    });
  }

  /** Takes all the room that the disk has, until the end. */
  #fillDisk() {
    if (!this.#plan.isSmall) return;
    const path = join(this.#plan.disk, `ballast-${process.pid}`);
    const descriptor = openSync(path, 'w');
    const piece = Buffer.alloc(2 ** 16);
    try {
      for (;;) writeSync(descriptor, piece);
    } catch {
      // It is full.
    }
    closeSync(descriptor);
    this.#ends.push(() => rmSync(path, { force: true }));
  }
}
