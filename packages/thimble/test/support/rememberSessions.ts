import { createHash } from 'node:crypto';
import { jest } from '@jest/globals';
import { InlineDevice, type OnnxModel } from '@thimble/core/plugin';

/**
 * From now on sessions stay where they are unloaded, and a program that a device loads again gets the one that it has: to make a session takes longer than all
 * else in a tiny run. What is computed is the same, as a session follows from its program; only what the runtime holds is not to be looked at.
 * `jest.restoreAllMocks()` ends it.
 *
 * @param onLoad is told of each program that a device is to load, with the SHA-256 of its bytes
 */
export function rememberSessions(onLoad?: (model: OnnxModel, hash: string) => void): void {
  // eslint-disable-next-line typescript/unbound-method
  const { load } = InlineDevice.prototype;
  const known = new WeakMap<InlineDevice, Map<string, Promise<number>>>();
  jest.spyOn(InlineDevice.prototype, 'load').mockImplementation(async function (this: InlineDevice, model: OnnxModel) {
    const sessions = known.get(this) ?? new Map<string, Promise<number>>();
    known.set(this, sessions);
    const hash = createHash('sha256').update(model.bytes).digest('hex');
    onLoad?.(model, hash);
    // All that a session is made of; the files that weights lie in are named after what is in them.
    const key = [model.mode, model.folder, hash].join();
    const session = sessions.get(key) ?? load.call(this, model);
    sessions.set(key, session);
    return session;
  });
  jest.spyOn(InlineDevice.prototype, 'unload').mockResolvedValue();
}
