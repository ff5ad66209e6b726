import { readdir, readlink } from 'node:fs/promises';
import type { DiffusionPipeline, Hooks } from '@thimble/core';
import { listenersOf } from './listenersOf.js';
import { changedMembers, type Members, membersOf } from './membersOf.js';
import { violation } from './violation.js';

/** What a pipeline holds once its components are unloaded: what a plugin that is gone must not have changed. */
export interface Holdings {
  /** Owners of taps, as `hook: owner`. */
  readonly taps: readonly string[];
  readonly sessions: number;
  readonly tensors: number;
  readonly files: readonly string[];
  /** On the process, and on what of the pipeline tells of events, as `process: exit`. */
  readonly listeners: readonly string[];
  readonly members: Members;
}

/** Unloads a pipeline's components and looks at what is left. */
export async function holdingsOf(pipe: DiffusionPipeline): Promise<Holdings> {
  for (const component of Object.values(pipe.components)) await component.unload();
  const [usage, files] = [await pipe.device.usage(), await openFiles()];
  return { taps: tapsOf(pipe.hooks), ...usage, files, listeners: listenersOf(pipe), members: membersOf(pipe) };
}

/** What is in `after` and was not in `before`, in words; empty where nothing is. */
export function leftovers(before: Holdings, after: Holdings): string[] {
  const taps = added(before.taps, after.taps).map((tap) => `a tap (${tap})`);
  const files = added(before.files, after.files).map((file) => `an open file (${file})`);
  const listeners = added(before.listeners, after.listeners).map((listener) => `a listener (${listener})`);
  const members = changedMembers(before.members, after.members).map((member) => `another ${member}`);
  return [
    ...taps,
    ...counted('session', after.sessions - before.sessions),
    ...counted('tensor on the device', after.tensors - before.tensors),
    ...files,
    ...listeners,
    ...members,
  ];
}

/** Those of `after` that are not in `before`, as often as they are more. */
export function added(before: readonly string[], after: readonly string[]): string[] {
  const known = [...before];
  return after.filter((item) => {
    const at = known.indexOf(item);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

function counted(what: string, count: number): string[] {
  return count > 0 ? [`${count} × ${what}`] : [];
}

function tapsOf(hooks: Hooks): string[] {
  return Object.values(hooks).flatMap((hook) =>
    hook.owners().map(({ name, plugin }) => `${hook.name}: ${plugin ?? name}`),
  );
}

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

/** Checks that a pipeline holds no more than `before`. `when` ends the sentence: "after the plugin was removed". */
export async function expectClean(pipe: DiffusionPipeline, before: Holdings, when: string): Promise<void> {
  const left = leftovers(before, await holdingsOf(pipe));
  if (left.length > 0) throw violation(`${left.join(', ')} left ${when}`);
}
