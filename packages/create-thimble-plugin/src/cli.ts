#!/usr/bin/env node
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { createPlugin } from './createPlugin.js';

const USAGE = `usage: npm create thimble-plugin NAME [-- --author NAME --core FILE --testkit FILE]

  NAME              name of the package, and of the folder that is made: thimble-plugin-step-timer
  --author NAME     prefix of the plugin's name at run time; default: the scope, or "me"
  --core FILE       a packed @thimble/core to use in place of the published one
  --testkit FILE    a packed @thimble/plugin-testkit, likewise
`;

try {
  const {
    values: { help, ...options },
    positionals: [name, ...more],
  } = parseArgs({
    allowPositionals: true,
    options: {
      author: { type: 'string' },
      core: { type: 'string' },
      testkit: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (help === true) process.stdout.write(USAGE);
  else if (name === undefined || more.length > 0) fail(2, USAGE);
  else await create(name, options);
} catch (error) {
  fail(1, `${error instanceof Error ? error.message : String(error)}\n`);
}

async function create(
  name: string,
  options: {
    readonly author?: string | undefined;
    readonly core?: string | undefined;
    readonly testkit?: string | undefined;
  },
): Promise<void> {
  const { folder, files } = await createPlugin({ name, ...options });
  process.stdout.write(
    `${files.length} files in ${folder}\n\n  cd ${relative('.', folder)}\n  ONNXRUNTIME_NODE_INSTALL=skip npm install\n  npm test\n`,
  );
}

function fail(code: number, message: string): void {
  process.stderr.write(message);
  process.exitCode = code;
}
