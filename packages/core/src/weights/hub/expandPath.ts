import { homedir } from 'node:os';

/**
 * A path of a setting with `~`, `$NAME` and `${NAME}` filled in, on Windows `%NAME%` too; a variable that is not set stays as it is written (source: Python's os.path.expanduser
 * and expandvars).
 */
export function expandPath(path: string, environment: NodeJS.ProcessEnv, platform = process.platform): string {
  const names = platform === 'win32' ? /\$\w+|\$\{[^}]*\}|%[^%]+%/g : /\$\w+|\$\{[^}]*\}/g;
  return path
    .replace(/^~(?=$|[/\\])/, () => homedir())
    .replace(names, (written) => environment[written.replace(/^[$%]\{?|[}%]$/g, '')] ?? written);
}
