import { allCommands, type CompletedCommand, type CompletedOption, type CompletedValue } from './CompletedCommand.js';

/** A script with which fish completes a program's commands, options and their values. */
export function fishCompletion(name: string, root: CompletedCommand): string {
  const lines = allCommands(root).flatMap((command) => {
    const here = `complete -c ${name} -n ${quoted(conditionOf(command))}`;
    return [
      ...command.commands.map((each) => `${here} -f -a ${each.path.at(-1)} -d ${quoted(each.description)}`),
      ...(command.commands.length > 0 ? [] : [`${here} ${argumentOf(command.argument)}`]),
      ...command.options.map((option) => `${here} ${optionOf(option)}`),
    ];
  });
  return `# ${name} in fish. Load it by: ${name} completion fish | source
${lines.join('\n')}
`;
}

/** Where a command's words are completed: those above it are there, those below it not yet. */
function conditionOf({ path, commands }: CompletedCommand): string {
  const above = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = commands.map((each) => each.path.at(-1));
  const not = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`];
  return [...above, ...not].join('; and ');
}

function argumentOf(argument: CompletedValue | undefined): string {
  if (argument?.isPath === true) return '-F';
  return argument === undefined || argument.choices.length === 0 ? '-f' : `-f -a ${quoted(argument.choices.join(' '))}`;
}

function optionOf({ short, long, description, value, isOptional }: CompletedOption): string {
  // What stands in the place of a short flag may be a short name of two dashes.
  const flags = [short, long]
    .filter((flag) => flag !== undefined)
    .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...flags, ...valueOf(value, isOptional), `-d ${quoted(description)}`].join(' ');
}

function valueOf(value: CompletedValue | undefined, isOptional: boolean): readonly string[] {
  if (value === undefined) return [];
  const choices = value.choices.length === 0 ? [] : [`-a ${quoted(value.choices.join(' '))}`];
  if (isOptional) return choices;
  return value.isPath ? ['-r', '-F'] : ['-x', ...choices];
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', String.raw`\\`).replaceAll("'", String.raw`\'`)}'`;
}
