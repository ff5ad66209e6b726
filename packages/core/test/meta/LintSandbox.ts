import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
/** What the linters read of the repository. */
const CONFIGURATION = ['.oxlintrc.json', '.dependency-cruiser.mjs', 'tools/rooms.mjs', 'tsconfig.base.json'];
/** The packages that bad files import, as their manifests have it. */
const PACKAGES = ['core', 'plugin-fp8'];

/** What a linter found: the file, and the rule, of oxlint as `plugin(rule)`. */
export interface Finding {
  readonly file: string;
  readonly rule: string;
}

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
  readonly cycle?: readonly { readonly name: string }[];
}

/** An empty checkout under the repository's own lint rules, to put bad files in. */
export class LintSandbox implements Disposable {
  readonly #folder: string;

  constructor() {
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-lint-')));
    for (const file of CONFIGURATION) cpSync(join(ROOT, file), join(this.#folder, file));
    for (const name of PACKAGES) {
      cpSync(join(ROOT, 'packages', name, 'package.json'), join(this.#folder, 'packages', name, 'package.json'));
      this.#link(join(this.#folder, 'packages', name), `node_modules/@thimble/${name}`);
    }
    for (const name of ['.bin', 'oxlint', 'oxlint-tsgolint', '@types/node', 'typescript'])
      this.#link(join(ROOT, 'node_modules', name), `node_modules/${name}`);
    this.write('tsconfig.json', '{ "extends": "./tsconfig.base.json", "include": ["packages"] }');
    this.write('package.json', '{ "type": "module" }');
  }

  write(path: string, source: string): void {
    const file = join(this.#folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }

  /** What oxlint says of all files, types included. */
  lint(): Finding[] {
    const { diagnostics } = this.#run(
      'node_modules/oxlint/bin/oxlint',
      '--type-aware',
      '--format=json',
      'packages',
    ) as {
      diagnostics: { code: string; filename: string }[];
    };
    return diagnostics.map(({ code, filename }) => ({ file: filename, rule: code }));
  }

  /** What dependency-cruiser says of the imports of all files; of a circle, it says it of each file in it. */
  cruise(): Finding[] {
    const bin = 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs';
    const { summary } = this.#run(bin, '--output-type=json', 'packages') as {
      summary: { violations: readonly Violation[] };
    };
    return summary.violations.flatMap(({ from, rule, cycle = [] }) =>
      [from, ...cycle.map(({ name }) => name)].map((file) => ({ file, rule: rule.name })),
    );
  }

  #run(bin: string, ...args: string[]): unknown {
    const options = { cwd: this.#folder, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
    const { stdout, stderr } = spawnSync(process.execPath, [join(ROOT, bin), ...args], options);
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`${bin} gave no JSON:\n${stdout}${stderr}`);
    }
  }

  #link(target: string, path: string): void {
    mkdirSync(dirname(join(this.#folder, path)), { recursive: true });
    symlinkSync(target, join(this.#folder, path), 'dir');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
