import { allCommands, type CompletedCommand, type CompletedOption, type CompletedValue } from './CompletedCommand.js';

/** A script with which zsh completes a program's commands, options and their values. */
export function zshCompletion(name: string, root: CompletedCommand): string {
  return `#compdef ${name}
# ${name} in zsh. Load it by: source <(${name} completion zsh)
${allCommands(root)
  .map((command) => functionOf(name, command))
  .join('\n')}
compdef ${functionName(name, root)} ${name}
`;
}

function functionOf(name: string, command: CompletedCommand): string {
  const { options, commands, argument } = command;
  const specs = options.flatMap(specsOf);
  const all = (more: readonly string[]): string => [...specs, ...more].map((spec) => ` \\\n    ${spec}`).join('');
  if (commands.length === 0)
    return `${functionName(name, command)}() {
  _arguments -s${all(argument === undefined ? [] : [quoted(`*:value${actionOf(argument)}`)])}
}`;
  const listed = commands.map(({ path, description }) => quoted(`${path.at(-1)}:${escapeColons(description)}`));
  return `${functionName(name, command)}() {
  local context state line
  typeset -A opt_args
  _arguments -C${all(["'1: :->command'", "'*:: :->rest'"])}
  case $state in
    command) local -a commands=(${listed.join(' ')}); _describe command commands ;;
    rest)
      case $line[1] in
${commands.map((each) => `        ${each.path.at(-1)}) ${functionName(name, each)} ;;`).join('\n')}
      esac ;;
  esac
}`;
}

/** Short and long flags exclude each other, unless they may be repeated. */
function specsOf({ short, long, description, value, isOptional }: CompletedOption): readonly string[] {
  const flags = [short, long].filter((flag) => flag !== undefined);
  const text = description.replaceAll(/[[\]]/g, String.raw`\$&`);
  const taken = value === undefined ? '' : `${isOptional ? '::' : ':'}value${actionOf(value)}`;
  // Values come behind a space or, of long ones, an equals sign.
  const join = (flag: string): string => (value !== undefined && flag.startsWith('--') ? '=' : '');
  return flags.map((flag) => quoted(`(${flags.join(' ')})${flag}${join(flag)}[${text}]${taken}`));
}

function actionOf({ choices, isPath }: CompletedValue): string {
  if (choices.length > 0) return `:(${choices.join(' ')})`;
  return isPath ? ':_files' : ': ';
}

function functionName(name: string, { path }: CompletedCommand): string {
  return `_${[name, ...path].join('_')}`;
}

function escapeColons(text: string): string {
  return text.replaceAll(':', String.raw`\:`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
