import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileNatively } from '../../../../tools/compileNatively.mjs';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const run = promisify(execFile);

/** A reader's folder: the built packages are installed, and the embedded model lies where the README says. */
export class ExampleFolder implements Disposable {
  readonly path: string;

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'thimble-readme-'));
    this.#link('packages/core', 'node_modules/@thimble/core');
    this.#link('models', 'models');
    this.#write('package.json', { type: 'module' });
  }

  /** Compiles TypeScript as a strict reader would, then runs what came out; gives what it printed. */
  async run(source: string): Promise<string> {
    writeFileSync(join(this.path, 'example.ts'), source);
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    this.#write('tsconfig.json', { compilerOptions, files: ['example.ts'] });
    await compileNatively(this.path);
    return this.#node('example.js');
  }

  async #node(script: string): Promise<string> {
    const { stdout } = await run(process.execPath, [script], { cwd: this.path }).catch((error: unknown) => {
      const { stdout: said, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${script} failed:\n${said}${stderr}`);
    });
    return stdout;
  }

  #link(from: string, to: string): void {
    mkdirSync(dirname(join(this.path, to)), { recursive: true });
    symlinkSync(join(ROOT, from), join(this.path, to), 'dir');
  }

  #write(path: string, content: object): void {
    writeFileSync(join(this.path, path), JSON.stringify(content));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
