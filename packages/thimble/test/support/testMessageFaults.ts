import { ChildProcess, execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, isThimbleError } from '@thimble/core';
import { createTestPipeline, testCheckpoint } from '@thimble/plugin-testkit';
import { type Fault, faultyDevice } from './faultyDevice.js';

/** What is done again and again, and which parts of the tiny checkpoint it needs. */
export interface FaultyWork {
  readonly components?: readonly string[];
  readonly work: (pipe: DiffusionPipeline) => Promise<unknown>;
}

/** Lets each call of a device fail, and the device's process die at each message, one after the other: from loading on. */
export function testMessageFaults({ components, work }: FaultyWork): void {
  let pipe: DiffusionPipeline;
  let expected: unknown;
  const chosen = components === undefined ? {} : { components };
  /** What the work threw, or what it gave. */
  const outcome = async (): Promise<unknown> => work(pipe).catch((error: unknown) => error);

  describe('a device that fails at its n-th call', () => {
    const fault: Fault = { left: Infinity };
    beforeAll(async () => {
      pipe = await DiffusionPipeline.fromPretrained(testCheckpoint, {
        ...chosen,
        plugins: [faultyDevice(fault)],
        device: 'faulty',
      });
      expected = await work(pipe);
    });
    afterAll(async () => pipe.dispose());

    test('is a failure with a code each time, and the next run is what it was', async () => {
      let n = 1;
      for (; ; n++) {
        for (const component of Object.values(pipe.components)) await component.unload();
        expect(await pipe.device.usage()).toEqual({ sessions: 0, tensors: 0 });
        fault.left = n;
        const thrown = await outcome();
        if (fault.left > 0) break;
        fault.left = Infinity;
        expect([n, isThimbleError(thrown, 'ERR_RUNTIME_RUN')]).toEqual([n, true]);
        expect(await pipe.device.usage()).toMatchObject({ tensors: 0 });
        expect(await work(pipe)).toEqual(expected);
      }
      // Each segment is loaded, and a component called.
      expect(n).toBeGreaterThan(4);
    });
  });

  describe('a process that dies at the n-th message between the two', () => {
    const { spawn, emit } = ChildProcess.prototype as unknown as Record<
      'spawn' | 'emit',
      (...args: unknown[]) => unknown
    >;
    let left = Infinity;
    /** Whether the message that never arrives is an answer. */
    let answers = false;

    beforeAll(async () => {
      Object.assign(ChildProcess.prototype, {
        // Only then has it a channel.
        spawn(this: ChildProcess, ...args: unknown[]): unknown {
          const result = spawn.apply(this, args);
          const { send } = this as { send?: (...message: unknown[]) => boolean };
          const counted = (...message: unknown[]): boolean => {
            if (!answers && --left === 0) this.kill('SIGKILL');
            return send!.apply(this, message);
          };
          if (send !== undefined) Object.assign(this, { send: counted });
          return result;
        },
        emit(this: ChildProcess, ...args: unknown[]): unknown {
          if (!answers || args[0] !== 'message' || --left !== 0) return emit.apply(this, args);
          return this.kill('SIGKILL');
        },
      });
      pipe = await createTestPipeline(chosen);
      expected = await work(pipe);
    });
    afterAll(async () => {
      await pipe.dispose();
      Object.assign(ChildProcess.prototype, { spawn, emit });
    });

    test.each([
      ['asked', false],
      ['answered', true],
    ])(
      'while it is %s: a crash with a code each time, and a run afterwards is what it was',
      async (_when, ofAnswers) => {
        for (const component of Object.values(pipe.components)) await component.unload();
        await pipe.trim();
        let n = 1;
        // Each one begins without a process, because the one of before has died.
        for (; ; n++) {
          [answers, left] = [ofAnswers, n];
          const thrown = await outcome();
          const isLast = left > 0;
          left = Infinity;
          if (isLast) {
            expect(thrown).toEqual(expected);
            break;
          }
          expect([n, isThimbleError(thrown, 'ERR_DEVICE_CRASHED')]).toEqual([n, true]);
        }
        expect(n).toBeGreaterThan(4);
        expect(await pipe.device.usage()).toMatchObject({ tensors: 0 });
        expect(childrenOf(process.pid)).toBe(1);
      },
    );
  });
}

/** Processes that this one has started and that are there, zombies too. */
function childrenOf(pid: number): number {
  const rows = execFileSync('ps', ['-eo', 'ppid=,args='], { encoding: 'utf8' }).split('\n');
  return rows.filter((row) => Number(row.trim().split(/\s+/)[0]) === pid && !row.includes('ps -eo')).length;
}
