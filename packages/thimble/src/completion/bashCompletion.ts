import { allCommands, type CompletedCommand, type CompletedOption, type CompletedValue } from './CompletedCommand.js';

/** A script with which bash, from 3.2 on, completes a program's commands, options and their values. */
export function bashCompletion(name: string, root: CompletedCommand): string {
  const all = allCommands(root);
  const paths = all.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  return `# ${name} in bash. Load it by: source <(${name} completion bash)
_${name}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}
_${name}_words() {
  COMPREPLY=($(compgen -W "$2" -- "$1"))
}
_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="" word i
  # --option=value comes in three words.
  if [[ $cur == "=" ]]; then cur=""; elif [[ $prev == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${command:+$command }\${COMP_WORDS[i]}"
    case "$word" in ${paths.join('|')}) command="$word" ;; esac
  done
  COMPREPLY=()
  case "$command" in
${all.map((command) => caseOf(name, command)).join('\n')}
  esac
}
complete -F _${name} ${name}
`;
}

function caseOf(name: string, { path, options, commands, argument }: CompletedCommand): string {
  const flags = options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
  const free = commands.length > 0 ? { choices: commands.map((each) => each.path.at(-1)!), isPath: false } : argument;
  return `    ${quoted(path.join(' '))})
      case "$prev" in
${options.flatMap((option) => valueCase(name, option)).join('\n')}
      esac
      if [[ $cur == -* ]]; then _${name}_words "$cur" ${quoted(flags.join(' '))}; else ${offer(name, free)}; fi ;;`;
}

function valueCase(name: string, { short, long, value, isOptional }: CompletedOption): readonly string[] {
  if (value === undefined) return [];
  const flags = [short, long].filter((flag) => flag !== undefined).join('|');
  // Where the value may be left out, another option may follow.
  const condition = isOptional ? '[[ $cur != -* ]] && ' : '';
  return [`        ${flags}) ${condition}{ ${offer(name, value)}; return; } ;;`];
}

function offer(name: string, value: CompletedValue | undefined): string {
  if (value !== undefined && value.choices.length > 0)
    return `_${name}_words "$cur" ${quoted(value.choices.join(' '))}`;
  return value?.isPath === true ? `_${name}_files "$cur"` : ':';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
