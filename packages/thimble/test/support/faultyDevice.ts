import { type Plugin, ThimbleError } from '@thimble/core';
import { createDevice, type Device, DEVICES } from '@thimble/core/plugin';

/** Calls of a device that do something for a run; those that give back are not among them: what a device keeps that cannot free is its own. */
const CALLS: ReadonlySet<PropertyKey> = new Set(['load', 'run', 'upload', 'download', 'createRows', 'prefetch']);

/** Which call of a device fails, counted from now on. */
export interface Fault {
  left: number;
}

/** Provides the device `faulty`: one in this process that refuses the call that `fault` says. */
export function faultyDevice(fault: Fault): Plugin {
  return {
    name: 'test:faulty-device',
    apply: (ctx) =>
      void ctx.provide(DEVICES, {
        faulty: () => faulty(createDevice({ provider: 'cpu', threads: 1, inline: true }), fault),
      }),
  };
}

function faulty(device: Device, fault: Fault): Device {
  return new Proxy(device, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        if (CALLS.has(name) && --fault.left === 0)
          throw new ThimbleError('ERR_RUNTIME_RUN', { segment: String(name), reason: 'a fault of the test' });
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}
