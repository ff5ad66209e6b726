import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { watchWrites } from './watchWrites.mjs';

/** The only place where anything may be written while inputs are tried: home, caches, temporary files and the current folder are in it. */
export class Sandbox {
  /** Absolute. */
  folder;
  #temporary;
  #watch;
  #handles = 0;
  #asked = [];

  static async create(folder) {
    const sandbox = new Sandbox();
    sandbox.folder = folder;
    sandbox.#temporary = join(folder, 'tmp');
    for (const name of ['tmp', 'home', 'cwd']) mkdirSync(join(folder, name));
    const home = join(folder, 'home');
    const environment = {
      TMPDIR: sandbox.#temporary,
      HOME: home,
      XDG_CACHE_HOME: join(home, '.cache'),
      THIMBLE_CACHE: join(home, '.cache', 'thimble'),
      HF_HOME: join(home, '.cache', 'huggingface'),
      // Nothing is fetched.
      HF_HUB_OFFLINE: '1',
    };
    Object.assign(process.env, environment);
    for (const name of ['HF_HUB_CACHE', 'HF_TOKEN', 'THIMBLE_MODEL', 'THIMBLE_DEBUG', 'TRANSFORMERS_CACHE'])
      delete process.env[name];
    process.chdir(join(folder, 'cwd'));
    sandbox.#watch = watchWrites(folder);
    return sandbox;
  }

  /** A folder for a target's own files. */
  async makeFolder(name) {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    return folder;
  }

  /** Takes away what an input may write: what lies in the current folder. */
  clear() {
    const cwd = join(this.folder, 'cwd');
    for (const name of readdirSync(cwd)) rmSync(join(cwd, name), { recursive: true });
  }

  /** Paths that an input names itself, as a user would who may not write there: what writes at them, in them or beside them is refused, and no fault. */
  ask(paths) {
    this.#asked = paths.filter((path) => !path.includes('\0')).map((path) => resolve(path));
  }

  /** What is held open now is a target's own. */
  begin() {
    this.#handles = openFiles();
  }

  /** @throws if something was written outside, or a temporary file or an open one was left */
  async check() {
    const outside = this.#watch.taken().filter((path) => !this.#asked.some((place) => isAt(path, place)));
    if (outside.length > 0) throw new Error(`written outside: ${outside.join(', ')}`);
    const left = readdirSync(this.#temporary);
    if (left.length > 0) {
      for (const name of left) rmSync(join(this.#temporary, name), { recursive: true, force: true });
      throw new Error(`temporary files are left: ${left.join(', ')}`);
    }
    if (this.#handles > 0 && openFiles() > this.#handles) {
      const before = this.#handles;
      this.#handles = openFiles();
      throw new Error(`${this.#handles} files are open, before there were ${before}`);
    }
  }

  async close() {
    this.#watch.restore();
    process.chdir('/');
  }
}

function isAt(path, place) {
  const within = place.endsWith(sep) ? place : place + sep;
  return path === place || path.startsWith(within) || dirname(path) === dirname(place);
}

/** How many descriptors this process has; none where the system does not tell. */
function openFiles() {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
