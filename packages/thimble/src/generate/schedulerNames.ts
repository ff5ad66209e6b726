/** The short names of scheduler classes that `--scheduler` takes: `DDIMScheduler` is `ddim`. */
export function schedulerNames(classNames: readonly string[]): string[] {
  return classNames.map(shortName);
}

/** The class that `--scheduler name` means among `classNames`; `name` itself if it is none of their short names. */
export function findScheduler(name: string, classNames: readonly string[]): string {
  return classNames.find((className) => shortName(className) === name.toLowerCase()) ?? name;
}

function shortName(className: string): string {
  return className.replace(/Scheduler$/, '').replace(/(?:Discrete|Multistep)$/, '').toLowerCase();
}
