import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ExampleFolder } from './ExampleFolder.js';

const README = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
const blocks = [...README.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] as string);
const PNG = [0x89, 0x50, 0x4e, 0x47];

let folder: ExampleFolder;

beforeEach(() => {
  folder = new ExampleFolder();
});

afterEach(() => {
  folder[Symbol.dispose]();
});

const savedFiles = (source: string): string[] =>
  [...source.matchAll(/\.save\('([^']+)'\)/g)].map((match) => match[1] as string);

describe('README.md', () => {
  test('opens with an example that makes a picture', () => {
    expect(blocks[0]).toMatch(/^import \{ DiffusionPipeline \} from '@thimble\/core';$/m);
    expect(savedFiles(blocks[0] as string)).not.toEqual([]);
  });

  test.each(blocks.filter((block) => block.startsWith('import ')).map((block, i) => [i + 1, block] as const))(
    'has example %i compile and run as printed',
    async (_, block) => {
      await folder.run(block);
      for (const file of savedFiles(block))
        expect([...readFileSync(join(folder.path, file)).subarray(0, 4)]).toEqual(PNG);
    },
    300_000,
  );
});
