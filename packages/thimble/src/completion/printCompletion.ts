import { schedulerName } from '@thimble/core';
import type { Command } from 'commander';
import { schedulerClassNames } from '../schedulers/SchedulerReport.js';
import { print } from '../standardOutput.js';
import { bashCompletion } from './bashCompletion.js';
import { completedCommand } from './CompletedCommand.js';
import { fishCompletion } from './fishCompletion.js';
import { zshCompletion } from './zshCompletion.js';

const WRITERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** Writes a program's script for a shell to the standard output. */
export function printCompletion(shell: keyof typeof WRITERS, program: Command): void {
  const schedulers = schedulerClassNames().map(schedulerName);
  const root = completedCommand(program, { '--scheduler': schedulers, schedulers });
  print(WRITERS[shell](program.name(), root));
}
