// Runs every test, or those that the arguments name, and ends with two lines: on which processor, and how many passed and failed. `--matrix` as first
// argument runs what takes too long for every day: the pictures of all pairs of plugins. A suite that takes more seconds than THIMBLE_SUITE_BUDGET fails the run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import './bundleCore.mjs';
import { countTests } from './countTests.mjs';
import { describeProcessor } from './processor.mjs';
import { slowSuites } from './slowSuites.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
// A machine that has other work to do is slow, and not wrong.
const TIMEOUT_MS = 180_000;
/** Seconds: several times what the slowest suite takes on two quiet cores. The matrix is one long suite. */
const BUDGET = Number(process.env.THIMBLE_SUITE_BUDGET ?? 300);
const NODE_FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

async function runJest(resultsFile, options, matrix) {
  const jest = fileURLToPath(import.meta.resolve('jest/bin/jest'));
  const child = spawn(
    process.execPath,
    [...NODE_FLAGS, jest, '--json', `--outputFile=${resultsFile}`, `--testTimeout=${TIMEOUT_MS}`, ...options],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...(matrix ? { THIMBLE_TESTS: 'matrix' } : {}) } },
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

async function runTests(options, { matrix, budget }) {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-test-'));
  try {
    const file = join(folder, 'results.json');
    const exitCode = await runJest(file, options, matrix);
    const results = await readResults(file);
    return { ...countTests(results, exitCode), slow: slowSuites(results, budget, (path) => relative(ROOT, path)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
const matrix = first === '--matrix';
const budget = matrix ? Infinity : BUDGET;
const { passed, failed, skipped, slow } = await runTests(matrix ? rest : process.argv.slice(2), { matrix, budget });
if (slow.report !== '') console.log(`\n${slow.report}\n`);
if (slow.over > 0) console.error(`${slow.over} suites took longer than they may`);
if (passed + failed === 0) console.error('no test ran');
// Kernels differ from processor to processor, and so may what fails.
console.log(`processor: ${describeProcessor()}`);
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed > 0 || passed === 0 || slow.over > 0 ? 1 : 0;
