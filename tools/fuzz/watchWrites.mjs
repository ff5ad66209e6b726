import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What changes a file system, by which of its arguments. */
const CHANGES = {
  appendFile: [0],
  chmod: [0],
  copyFile: [1],
  cp: [1],
  link: [1],
  mkdir: [0],
  mkdtemp: [0],
  rename: [0, 1],
  rm: [0],
  rmdir: [0],
  symlink: [1],
  truncate: [0],
  unlink: [0],
  utimes: [0],
  writeFile: [0],
};
const { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC } = fs.constants;

/** Refuses whatever would change something outside of a folder, by any function of `node:fs`, and remembers what that was. */
export function watchWrites(folder) {
  const outside = [];
  const restores = [];
  const judge = (path) => {
    if (typeof path === 'number' || typeof path?.fd === 'number') return;
    const absolute = resolve(path instanceof URL ? fileURLToPath(path) : String(path));
    if (absolute === folder || absolute.startsWith(folder + sep)) return;
    outside.push(absolute);
    throw Object.assign(new Error(`written outside: ${absolute}`), { code: 'EACCES' });
  };
  const watch = (object, name, check) => {
    const original = object[name];
    object[name] = function (...args) {
      check(args);
      return original.apply(this, args);
    };
    restores.push(() => (object[name] = original));
  };
  const promised = (object, name, check) => {
    const original = object[name];
    object[name] = async function (...args) {
      check(args);
      return original.apply(this, args);
    };
    restores.push(() => (object[name] = original));
  };
  for (const [name, places] of Object.entries(CHANGES)) {
    const check = (args) => places.forEach((place) => judge(args[place]));
    watch(fs, name, check);
    watch(fs, `${name}Sync`, check);
    promised(fs.promises, name, check);
  }
  const opened = ([path, flags = 'r']) => {
    const writes =
      typeof flags === 'number' ? (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) !== 0 : !/^rs?$/.test(flags);
    if (writes) judge(path);
  };
  watch(fs, 'open', opened);
  watch(fs, 'openSync', opened);
  promised(fs.promises, 'open', opened);
  watch(fs, 'createWriteStream', ([path]) => judge(path));
  syncBuiltinESMExports();
  return {
    taken: () => outside.splice(0),
    restore: () => {
      for (const restore of restores) restore();
      syncBuiltinESMExports();
    },
  };
}
