import { readdir, readlink } from 'node:fs/promises';

const DESCRIPTORS = '/proc/self/fd';
/** Devices and what the kernel shows are not files; a package's own files are read by whoever loads code. */
const NOT_FILES = /^\/(dev|proc|sys)\/|^[^/]|\/node_modules\//;

/** The files that this process has open, one entry for each descriptor; none where the system does not tell (it does on Linux). */
export async function openFiles(): Promise<string[]> {
  const descriptors = await readdir(DESCRIPTORS).catch(() => []);
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(`${DESCRIPTORS}/${descriptor}`).catch(() => '')),
  );
  return targets.filter((target) => target !== '' && !NOT_FILES.test(target)).sort();
}
