import { TurnQueue } from '../execution/TurnQueue.js';
import type { PluginHost } from '../extension/PluginHost.js';
import { RUN_PLANNERS } from '../extension/tokens.js';
import type { Prompt } from './GenerateOptions.js';
import type { PreparedRun } from './PreparedRun.js';

/** Refuses what the memory limit has no room for. @throws ERR_MEMORY_LIMIT */
export type RoomCheck = (prepared: PreparedRun, signal: AbortSignal) => Promise<void>;

/** A run that waits for its turn. */
export interface ForeseenRun extends PreparedRun {
  readonly prompt: Prompt;
}

/** What a {@link RoomJudge} works with. */
export interface RoomJudgeParts {
  readonly memoryLimit?: number | undefined;
  readonly host: Pick<PluginHost, 'provided'>;
}

/** Has runs checked against the memory limit, one after the other: many may come at once, and each takes some milliseconds of the event loop. */
export class RoomJudge {
  readonly #limit: number | undefined;
  readonly #host: Pick<PluginHost, 'provided'>;
  readonly #check: RoomCheck;
  readonly #turns = new TurnQueue();

  /** `memoryLimit`: what both processes may take, in bytes; nothing is checked where there is none. */
  constructor({ memoryLimit, host }: RoomJudgeParts, check: RoomCheck) {
    this.#limit = memoryLimit;
    this.#host = host;
    this.#check = check;
  }

  /** @throws ERR_MEMORY_LIMIT; `signal.reason` */
  async judge(prepared: PreparedRun, signal: AbortSignal): Promise<void> {
    if (this.#limit === undefined) return;
    using turn = await this.#turns.take(signal);
    void turn;
    await this.#check(prepared, signal);
  }

  /** As {@link RoomJudge.judge}, while the run waits for its turn: `run` is aborted with what speaks against it. What plans runs makes room for them, so that it is asked in place of that. */
  async foresee(prepared: ForeseenRun | undefined, run: AbortController, signal: AbortSignal): Promise<void> {
    if (prepared === undefined) return;
    const planners = this.#host.provided(RUN_PLANNERS);
    const { options, prompt, steps, encodes: pictures } = prepared;
    try {
      for (const planner of planners) await planner.check({ prompt, steps, pictures, options: { ...options } });
      if (planners.length === 0) await this.judge(prepared, signal);
    } catch (error) {
      run.abort(error);
    }
  }
}
