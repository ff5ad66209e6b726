const INTRODUCTION = `# Command line

Every command and option of \`thimble\`, from the program itself; \`thimble COMMAND --help\` says the same. The [package's page](../../packages/thimble/README.md) shows the most useful ones.
`;

/**
 * The page docs/reference/cli.md.
 *
 * @param {import('commander').Command} program
 */
export function cliReference(program) {
  const commands = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands,
  );
  const shown = commands.filter((command) => command.name() !== 'help');
  return [
    INTRODUCTION,
    ...shown.map(sectionOf),
    `## Examples, sizes, exit codes\n\n${asText(notesOf(program))}\n`,
  ].join('\n');
}

const pathOf = (command) => (command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`);

function sectionOf(command) {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const headings = new Set(options.map(headingOf));
  const notes = notesOf(command);
  return [
    `## ${pathOf(command)}\n`,
    `${command.description()}\n`,
    `\`\`\`text\n${help.commandUsage(command)}\n\`\`\`\n`,
    ...argumentsOf(command, help),
    ...Array.from(headings, (heading) =>
      tableOf(
        heading,
        options.filter((option) => headingOf(option) === heading),
        help,
      ),
    ),
    ...(notes === '' ? [] : [`${asText(notes)}\n`]),
  ].join('\n');
}

const headingOf = ({ helpGroupHeading = 'Options:' }) => helpGroupHeading.replace(/:$/, '');

function argumentsOf(command, help) {
  const rows = help
    .visibleArguments(command)
    .map(
      (argument) => `| \`${inTable(help.argumentTerm(argument))}\` | ${inTable(help.argumentDescription(argument))} |`,
    );
  return rows.length === 0 ? [] : [`| argument | |\n| --- | --- |\n${rows.join('\n')}\n`];
}

function tableOf(heading, options, help) {
  const rows = options.map(
    (option) => `| \`${inTable(help.optionTerm(option))}\` | ${asWords(help.optionDescription(option))} |`,
  );
  return `| ${heading} | |\n| --- | --- |\n${rows.join('\n')}\n`;
}

/** What a command's help says below its options. */
function notesOf(command) {
  let text = '';
  const { ...output } = command.configureOutput();
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  const options = command.helpInformation();
  command.configureOutput(output);
  return text.slice(text.indexOf(options) + options.length).trim();
}

const asText = (text) => `\`\`\`text\n${text}\n\`\`\``;
const inTable = (text) => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
const asWords = (text) => inTable(text).replaceAll(/[*_<>[\]]/g, '\\$&');
