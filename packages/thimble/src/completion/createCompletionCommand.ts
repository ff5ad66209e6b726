import { Argument, Command } from 'commander';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const HELP = `
The script knows the commands and options of this version; write it again after
an update.

Examples:
  In ~/.bashrc:
    source <(thimble completion bash)
  In ~/.zshrc, after compinit:
    source <(thimble completion zsh)
  For fish, once:
    $ thimble completion fish > ~/.config/fish/completions/thimble.fish
`;

/** `thimble completion`; the script is made of the options of the `program` itself. */
export function createCompletionCommand(program: () => Command): Command {
  return new Command('completion')
    .description('Prints a script by which a shell completes commands and options.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { printCompletion } = await import('./printCompletion.js');
      printCompletion(shell, program());
    });
}
