import { execFile } from 'node:child_process';

/**
 * Runs a command to its end.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<string>} its standard output; rejects with all it said if it fails
 */
export function command(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    execFile(file, args, { ...options, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else
        reject(new Error(`${[file, ...args].join(' ')} failed (${error.code ?? error.signal}):\n${stdout}${stderr}`));
    });
  });
}
