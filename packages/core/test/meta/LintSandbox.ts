import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** What the linter found: the file, and the rule as `plugin(rule)`. */
export interface Finding {
  readonly file: string;
  readonly rule: string;
}

/** An empty checkout under the repository's own lint rules, to put bad files in. */
export class LintSandbox implements Disposable {
  readonly #folder: string;

  constructor() {
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-lint-')));
    copyFileSync(join(ROOT, '.oxlintrc.json'), join(this.#folder, '.oxlintrc.json'));
    copyFileSync(join(ROOT, 'tsconfig.base.json'), join(this.#folder, 'tsconfig.base.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'), 'dir');
    this.write('tsconfig.json', '{ "extends": "./tsconfig.base.json", "include": ["packages"] }');
    this.write('package.json', '{ "type": "module" }');
  }

  write(path: string, source: string): void {
    const file = join(this.#folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }

  /** Lints all files; `typeAware` as `npm run lint` does, which is slower. */
  lint({ typeAware }: { typeAware: boolean }): Finding[] {
    const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint');
    const { stdout } = spawnSync(
      process.execPath,
      [oxlint, '--format=json', 'packages', ...(typeAware ? ['--type-aware'] : [])],
      { cwd: this.#folder, encoding: 'utf8' },
    );
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
    return diagnostics.map(({ code, filename }) => ({ file: filename, rule: code }));
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
