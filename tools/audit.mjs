// npm run audit: what is known against the packages that are installed with ours, and under which licences they are. Exits 1 for a vulnerability of what users install, from `high` on,
// and for a licence that is not on the list. A registry that does not answer is told of.
import { fileURLToPath } from 'node:url';
import { licenceProblems } from './audit/licenceProblems.mjs';
import { command } from './packages/command.mjs';
import { pinnedPnpm } from './packages/packPackage.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const pnpm = await pinnedPnpm(ROOT);

async function run(...args) {
  return command(pnpm, args, { cwd: ROOT });
}

async function licences(...scope) {
  return JSON.parse(await run('licenses', 'list', '--recursive', '--json', ...scope));
}

async function vulnerabilities() {
  try {
    return await run('audit', '--prod', '--audit-level', 'high');
  } catch (error) {
    if (!/ERR_PNPM_AUDIT_(BAD_RESPONSE|ENDPOINT_NOT_EXISTS)|fetch failed|ENOTFOUND|ECONNREFUSED/.test(error.message)) {
      process.exitCode = 1;
      return error.message;
    }
    const [reason] = /responded with \d+/.exec(error.message) ?? ['is out of reach'];
    return `not checked: the registry ${reason}`;
  }
}

const shipped = await licences('--prod');
for (const [licence, packages] of Object.entries(shipped).toSorted(([a], [b]) => a.localeCompare(b)))
  console.log(`${licence}: ${packages.length}`);
const problems = [...licenceProblems(shipped), ...licenceProblems(await licences(), { tools: true })];
for (const problem of new Set(problems)) console.error(`✗ ${problem}`);
if (problems.length > 0) process.exitCode = 1;
else console.log('✓ licences');
console.log(`vulnerabilities: ${(await vulnerabilities()).trim()}`);
