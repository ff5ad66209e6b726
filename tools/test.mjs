// Runs every test, or those that the arguments name, and ends with two lines: on which processor, and how many passed and failed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countTests } from './countTests.mjs';
import { describeProcessor } from './processor.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
// A machine that has other work to do is slow, and not wrong.
const TIMEOUT_MS = 60_000;
const NODE_FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

async function runJest(resultsFile, options) {
  const jest = fileURLToPath(import.meta.resolve('jest/bin/jest'));
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, jest, '--json', `--outputFile=${resultsFile}`, `--testTimeout=${TIMEOUT_MS}`, ...options],
    { cwd: ROOT, stdio: 'inherit' },
  );
  const [code, signal] = await once(child, 'close');
  if (signal !== null) console.error(`jest was ended by ${signal}`);
  return code;
}

async function readResults(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    console.error('jest ended without results');
    return undefined;
  }
}

async function runTests(options) {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-test-'));
  try {
    const file = join(folder, 'results.json');
    const exitCode = await runJest(file, options);
    return countTests(await readResults(file), exitCode);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const { passed, failed, skipped } = await runTests(process.argv.slice(2));
if (passed + failed === 0) console.error('no test ran');
// Kernels differ from processor to processor, and so may what fails.
console.log(`processor: ${describeProcessor()}`);
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
