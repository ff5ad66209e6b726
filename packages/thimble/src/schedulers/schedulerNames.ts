/** The short name of a scheduler's class, which `--scheduler` takes: `DDIMScheduler` is `ddim`. */
export function schedulerName(className: string): string {
  const words = className.replace(/Scheduler$/, '').replace(/(?:Discrete|Multistep)$/, '');
  return OTHER_NAMES[className] ?? words.toLowerCase();
}

/** The class that `--scheduler name` means among `classNames`; `name` itself if it is none of their short names. */
export function findScheduler(name: string, classNames: readonly string[]): string {
  const wanted = name.toLowerCase();
  return (
    classNames.find((className) => schedulerName(className) === wanted || className.toLowerCase() === wanted) ?? name
  );
}

/** Where the words of the class alone would be hard to read. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  DPMSolverMultistepScheduler: 'dpm',
  EulerAncestralDiscreteScheduler: 'euler-ancestral',
  FlowMatchEulerDiscreteScheduler: 'flow-euler',
  CogVideoXDDIMScheduler: 'cogvideox-ddim',
  CogVideoXDPMScheduler: 'cogvideox-dpm',
};
