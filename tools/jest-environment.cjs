const { AsyncLocalStorage } = require('node:async_hooks');
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

const SHARED = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

const { createContext } = vm;

/**
 * The async storages that a suite has entered. Node asks each of them at every promise for as long as the process lives, so those of a hundred suites before
 * would be asked too.
 */
const entered = new Set();
for (const method of ['run', 'enterWith']) {
  const original = AsyncLocalStorage.prototype[method];
  AsyncLocalStorage.prototype[method] = function (...args) {
    entered.add(this);
    return original.apply(this, args);
  };
}

/**
 * Runs tests in a realm of their own, with the outer realm's typed arrays: the native runtime makes those, and checks for them.
 *
 * jest's own sandbox asks a proxy at every look-up of a global, which takes as long as hundreds of additions. Here globals are those of an ordinary realm, and
 * as quick as anywhere.
 */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(config, context);
    } finally {
      vm.createContext = createContext;
    }
    for (const name of SHARED) if (name in globalThis) this.global[name] = globalThis[name];
  }

  async teardown() {
    await super.teardown();
    for (const storage of entered) storage.disable();
    entered.clear();
  }
};
