import { TurnQueue } from '../execution/TurnQueue.js';
import type { PreparedRun } from './PreparedRun.js';

/** Refuses what the memory limit has no room for. @throws ERR_MEMORY_LIMIT */
export type RoomCheck = (prepared: PreparedRun, signal: AbortSignal) => Promise<void>;

/** Has runs checked against the memory limit, one after the other: many may come at once, and each takes some milliseconds of the event loop. */
export class RoomJudge {
  readonly #limit: number | undefined;
  readonly #check: RoomCheck;
  readonly #turns = new TurnQueue();

  /** `limit`: what both processes may take, in bytes; nothing is checked where there is none. */
  constructor(limit: number | undefined, check: RoomCheck) {
    this.#limit = limit;
    this.#check = check;
  }

  /** @throws ERR_MEMORY_LIMIT; `signal.reason` */
  async judge(prepared: PreparedRun, signal: AbortSignal): Promise<void> {
    if (this.#limit === undefined) return;
    using turn = await this.#turns.take(signal);
    void turn;
    await this.#check(prepared, signal);
  }

  /** As {@link RoomJudge.judge}, while the run waits for its turn: `run` is aborted with what speaks against it. */
  async foresee(prepared: PreparedRun | undefined, run: AbortController, signal: AbortSignal): Promise<void> {
    if (prepared === undefined) return;
    try {
      await this.judge(prepared, signal);
    } catch (error) {
      run.abort(error);
    }
  }
}
