import fs from 'node:fs';

type Call = (this: unknown, ...args: never[]) => Promise<unknown>;

/** What changes a disk, of `node:fs/promises` and of its file handles. What removes is not among it: a disk that refuses that keeps what is there. */
const FUNCTIONS = [
  'appendFile',
  'copyFile',
  'cp',
  'link',
  'mkdir',
  'mkdtemp',
  'open',
  'rename',
  'symlink',
  'truncate',
  'utimes',
  'writeFile',
];
const OF_HANDLES = ['appendFile', 'datasync', 'sync', 'truncate', 'utimes', 'write', 'writeFile', 'writev'];

/** Has the n-th write of this process fail, as on a disk that is full or broken. Install it before what is tested is imported: modules are bound to what `node:fs/promises` has then. */
export class FaultyWrites implements Disposable {
  readonly #restores: (() => void)[] = [];
  #left = Infinity;
  #code = 'ENOSPC';
  #failed: string | undefined;

  static async install(): Promise<FaultyWrites> {
    const faulty = new FaultyWrites();
    const promises = fs.promises as unknown as Record<string, Call>;
    for (const name of FUNCTIONS) faulty.#wrap(promises, name);
    const handle = await fs.promises.open('/dev/null');
    const prototype = Object.getPrototypeOf(handle) as Record<string, Call>;
    await handle.close();
    for (const name of OF_HANDLES) faulty.#wrap(prototype, name);
    return faulty;
  }

  /** The `n`-th write from now on fails, once, with a system's code. */
  failAt(n: number, code: string): void {
    [this.#left, this.#code, this.#failed] = [n, code, undefined];
  }

  /** No write fails any more. Tells which one did; `undefined` if there were fewer. */
  disarm(): string | undefined {
    this.#left = Infinity;
    return this.#failed;
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restores) restore();
  }

  #wrap(object: Record<string, Call>, name: string): void {
    const original = object[name];
    if (original === undefined) return;
    // oxlint-disable-next-line typescript/no-this-alias
    const faulty = this;
    object[name] = async function (...args) {
      faulty.#count(name, args);
      return original.apply(this, args);
    };
    this.#restores.push(() => (object[name] = original));
  }

  #count(name: string, args: readonly unknown[]): void {
    if (name === 'open' && isReading(args[1])) return;
    if (--this.#left !== 0) return;
    this.#failed = name;
    throw Object.assign(new Error(`${this.#code}: a fault of the test, ${name}`), { code: this.#code, syscall: name });
  }
}

function isReading(flags: unknown): boolean {
  if (typeof flags === 'number')
    return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) === 0;
  return flags === undefined || flags === 'r' || flags === 'rs';
}
