import type { Argument, Command, Option } from 'commander';

/** What can stand for a value: one of `choices`, a path, or something that only who types it knows. */
export interface CompletedValue {
  readonly choices: readonly string[];
  readonly isPath: boolean;
}

/** An option as completion shows it. */
export interface CompletedOption {
  readonly short: string | undefined;
  readonly long: string | undefined;
  readonly description: string;
  /** Undefined where it takes none. */
  readonly value: CompletedValue | undefined;
  /** Whether the value may be left out. */
  readonly isOptional: boolean;
}

/** A command as completion sees it, with those below it. */
export interface CompletedCommand {
  /** Its name and those of the commands above it, the program's left out: `['cache', 'list']`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly CompletedOption[];
  readonly argument: CompletedValue | undefined;
  readonly commands: readonly CompletedCommand[];
}

/** Values that options and arguments take which commander does not know the choices of, by their names. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

const PATH = /path|file|folder/;

/** All that a program's table of options says, for scripts of shells. */
export function completedCommand(command: Command, known: KnownValues, path: readonly string[] = []): CompletedCommand {
  const help = command.createHelp();
  const [argument] = command.registeredArguments;
  return {
    path,
    description: command.description(),
    options: help.visibleOptions(command).map((option) => optionOf(option, known)),
    argument: argument === undefined ? undefined : argumentOf(argument, known[path.join(' ')]),
    commands: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map((each) => completedCommand(each, known, [...path, each.name()])),
  };
}

/** A command and all below it. */
export function allCommands(command: CompletedCommand): readonly CompletedCommand[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function optionOf(option: Option, known: KnownValues): CompletedOption {
  const { short, long, description, required, optional, argChoices, flags } = option;
  const choices = argChoices ?? known[long ?? ''] ?? [];
  return {
    short,
    long,
    description,
    value: required || optional ? { choices, isPath: PATH.test(flags.slice((long ?? '').length)) } : undefined,
    isOptional: optional,
  };
}

function argumentOf(argument: Argument, choices: readonly string[] = argument.argChoices ?? []): CompletedValue {
  return { choices, isPath: PATH.test(argument.description) };
}
