import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type DefinedErrors, ERROR_REFERENCE, isThimbleError, ThimbleError } from '../../src/errors.js';
import { hookManifest, hookNames } from '../../src/hooks/manifest.js';
import { DiffusionPipeline } from '../../src/index.js';
import * as pipelines from '../../src/pipelines/pipelines.js';
import { fixturePath } from '../support/fixturePath.js';

type Page = (declarations: object) => string;
/** Codes by package, as the tool finds them. */
type ErrorsOf = (
  packages: readonly { readonly name: string; readonly exports: object }[],
) => Record<string, { readonly package: string }>;

const ROOT = new URL('../../../../', import.meta.url);
const PACKAGES = new URL('packages/', ROOT);
// By URL: the tools have no types.
const { errorReference, errorsOf } = (await import(new URL('tools/docs/errorReference.mjs', ROOT).href)) as {
  errorReference: Page;
  errorsOf: ErrorsOf;
};
const { exampleMessage } = (await import(new URL('tools/docs/exampleMessage.mjs', ROOT).href)) as {
  exampleMessage: (message: (details: never) => string) => string;
};
const { hookReference } = (await import(new URL('tools/docs/hookReference.mjs', ROOT).href)) as { hookReference: Page };

const page = (name: string): string => readFileSync(new URL(`docs/reference/${name}.md`, ROOT), 'utf8');
const headings = (text: string): string[] => [...text.matchAll(/^## (.+)$/gm)].map((match) => match[1] as string);

/** Core and the official plugins: who may throw errors with codes. */
const FOLDERS = readdirSync(PACKAGES).filter((name) => /^(core|server|plugin-(?!testkit).*)$/.test(name));
const packages: { name: string; exports: object }[] = [];
// One after the other: jest links modules that several import at once.
for (const folder of FOLDERS)
  packages.push({
    name: `@thimble/${folder}`,
    exports: (await import(new URL(`${folder}/src/index.ts`, PACKAGES).href)) as object,
  });
const errors = errorsOf(packages);

/** Details of any error: whatever is asked for is there. */
let anyDetails: never;
exampleMessage((details) => {
  anyDetails = details;
  return '';
});
const isDefinedErrors = (value: unknown): value is DefinedErrors<Record<never, never>> =>
  typeof value === 'function' && 'definitions' in value && 'author' in value;

describe('docs/reference/errors.md', () => {
  test('has every code of core and of the official plugins, and no other', () => {
    expect(headings(page('errors'))).toEqual(Object.keys(errors).sort());
  });

  test('is what `npm run docs` writes', () => {
    expect(page('errors')).toBe(errorReference(errors));
  });

  test('is where the `docs` of every error lead, each to its own heading', () => {
    const { homepage } = JSON.parse(readFileSync(new URL('core/package.json', PACKAGES), 'utf8')) as {
      homepage: string;
    };
    expect(ERROR_REFERENCE).toBe(`${homepage.replace(/#.*$/, '')}/reference/errors.html`);
    const thrown = [
      new ThimbleError('ERR_DISPOSED', anyDetails),
      ...packages.flatMap(({ exports }) =>
        Object.values(exports)
          .filter(isDefinedErrors)
          .map((Defined) => new Defined(Object.keys(Defined.definitions)[0] as never, anyDetails)),
      ),
    ];
    expect(thrown.length).toBeGreaterThan(7);
    for (const { code, docs } of thrown as readonly { code: string; docs: string }[])
      expect(docs).toBe(`${ERROR_REFERENCE}#${code.toLowerCase()}`);
  });

  test('says in every message what its details are', () => {
    for (const message of page('errors').match(/^> .+$/gm) ?? []) {
      expect(message).not.toMatch(/undefined|\[object|=>/);
    }
  });
});

describe('docs/troubleshooting.md', () => {
  test('says what every warning means', () => {
    const sources = ['thimble', ...FOLDERS].flatMap((folder) =>
      readdirSync(new URL(`${folder}/src/`, PACKAGES), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(new URL(`${folder}/src/${file}`, PACKAGES), 'utf8')),
    );
    const codes = new Set(sources.flatMap((text) => text.match(/(?<=')WARN_[A-Z0-9_]+(?=')/g) ?? []));
    const told = readFileSync(new URL('docs/troubleshooting.md', ROOT), 'utf8').match(/(?<=^\| `)WARN_\w+/gm);
    expect(told).toEqual([...codes].sort());
  });
});

describe('docs/reference/hooks.md', () => {
  test('has every hook of the manifest, and no other', () => {
    expect(headings(page('hooks'))).toEqual(hookNames);
  });

  test('is what `npm run docs` writes', () => {
    expect(page('hooks')).toBe(hookReference(hookManifest));
  });
});

describe('docs/reference/options.md', () => {
  /** What these take and what the classes say of themselves is every option of GenerateOptions. */
  const CHECKPOINTS = ['sd-tiny', 'cogvideox-tiny'];
  /** Options of a run that official plugins add to GenerateOptions. */
  const ADDED_BY_PLUGINS = ['ControlRunOptions', 'IPAdapterRunOptions'];
  const documented = (type: string): string[] => {
    const [, table = ''] = new RegExp(`^### ${type}$(.*?)(?=^##|(?![\\s\\S]))`, 'ms').exec(page('options')) ?? [];
    return [...table.matchAll(/^\| `(\w+)` /gm)].map((match) => match[1] as string).sort();
  };
  /** The names that a refused option is told to be none of. */
  const namesKnown = async (work: () => Promise<unknown>): Promise<string[]> => {
    const error: unknown = await work().catch((thrown: unknown) => thrown);
    if (!isThimbleError(error, 'ERR_ARGUMENT_INVALID')) throw error;
    return error.details.expected
      .replace(/^only /, '')
      .split(', ')
      .sort();
  };

  test('has the options that fromPretrained takes, and no others', async () => {
    const known = await namesKnown(async () =>
      DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { unknown: 1 } as object),
    );
    expect(documented('FromPretrainedOptions')).toEqual(known);
  });

  test('has the options that generate takes, and no others', async () => {
    const known = new Set(Object.values(pipelines).flatMap(({ optionFields }) => Object.keys(optionFields)));
    for (const checkpoint of CHECKPOINTS) {
      await using pipe = await DiffusionPipeline.fromPretrained(fixturePath(checkpoint), {
        deviceOptions: { inline: true, threads: 1 },
      });
      for (const name of await namesKnown(async () => pipe.generate('a cat', { unknown: 1 } as object)))
        known.add(name);
    }
    for (const type of ADDED_BY_PLUGINS) for (const name of documented(type)) known.add(name);
    expect(documented('GenerateOptions')).toEqual([...known].sort());
  });
});

describe('the codes of errors', () => {
  const sourcesOf = (folder: string): string =>
    readdirSync(new URL(`${folder}/src/`, PACKAGES), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'errors.ts')
      .map((file) => readFileSync(new URL(`${folder}/src/${file}`, PACKAGES), 'utf8'))
      .join('\n');
  const codesIn = (folder: string): ReadonlySet<string> =>
    new Set([...sourcesOf(folder).matchAll(/'(ERR_[A-Z0-9_]+)'/g)].map((match) => match[1] as string));
  const named = new Map(FOLDERS.map((folder) => [`@thimble/${folder}`, codesIn(folder)]));

  // Node says that a package is not installed, and that its permissions do not reach so far.
  const ofNode = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_ACCESS_DENIED']);

  test.each([...named])("that %s names are its own or core's", (name, codes) => {
    const own = [...codes].filter((code) => !ofNode.has(code));
    expect(own.filter((code) => ![name, '@thimble/core'].includes(errors[code]?.package ?? ''))).toEqual([]);
  });

  test('are each thrown by the package that defines them', () => {
    const unused = Object.entries(errors).filter(([code, { package: name }]) => !named.get(name)?.has(code));
    expect(unused.map(([code]) => code)).toEqual([]);
  });
});
