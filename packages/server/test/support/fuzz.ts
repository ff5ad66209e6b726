import { isUnsent, sampleRequests } from '../../../../tools/fuzz/requestInputs.mjs';
import { ask, type Answered, type Asked } from './ask.js';

/** What a fuzz run saw. */
export interface FuzzResult {
  readonly statuses: ReadonlyMap<number, number>;
  /** Requests that were not answered, or by an error of the server. */
  readonly failures: readonly { readonly asked: Asked; readonly answer: string }[];
}

/** Sends requests, four at a time, that are made of `seed`: near to valid ones, with something in them that should not be. */
export async function fuzz(url: string, count: number, seed: number): Promise<FuzzResult> {
  const requests = sampleRequests(count, seed).values();
  const statuses = new Map<number, number>();
  const failures: { asked: Asked; answer: string }[] = [];
  const work = async (): Promise<void> => {
    for (const asked of requests) {
      const answer = await ask(url, asked).catch((error: unknown) => String(error));
      const status = typeof answer === 'string' ? 0 : answer.status;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (isFailure(answer))
        failures.push({
          asked: { ...asked, body: String(asked.body) },
          answer: typeof answer === 'string' ? answer : `${answer.status} ${answer.body}`,
        });
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return { statuses, failures };
}

/** Node refuses some headers and paths before they are sent. */
function isFailure(answer: Answered | string): boolean {
  return typeof answer === 'string' ? !isUnsent(answer) : answer.status >= 500;
}
