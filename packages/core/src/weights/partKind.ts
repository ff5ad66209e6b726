import { refuseOption } from '../fields/refuseOption.js';

/** What a part of a checkpoint is: a model with weights, a solver, or what turns texts or pictures into what models take. */
export type PartKind = 'model' | 'scheduler' | 'tokenizer' | 'processor';

const KINDS: readonly (readonly [RegExp, PartKind])[] = [
  [/Scheduler$/, 'scheduler'],
  [/Tokenizer(?:Fast)?$/, 'tokenizer'],
  [/(?:FeatureExtractor|Processor(?:Fast)?)$/, 'processor'],
];

/** What the name of a class says, as diffusers and transformers name theirs. */
export function partKind(className: string): PartKind {
  if (typeof className !== 'string') refuseOption('className', className, 'the name of a class');
  return KINDS.find(([pattern]) => pattern.test(className))?.[1] ?? 'model';
}

/** Whether a class is for parts that no pipeline here runs: safety checkers, image processors, image encoders. */
export function isPassedOver(className: string): boolean {
  return partKind(className) === 'processor' || /(?:SafetyChecker|VisionModel(?:WithProjection)?)$/.test(className);
}
