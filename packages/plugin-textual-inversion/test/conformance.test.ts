import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from '@jest/globals';
import { runPluginConformance } from '@thimble/plugin-testkit';
import { TextualInversionPlugin } from '../src/index.js';
import { writeInversion } from './writeInversion.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-inversion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = await writeInversion(folder, '<toy>', { '<toy>': [2, 16] });

// The prompts of the suite do not have the word: pictures are what they are without it.
runPluginConformance(() => new TextualInversionPlugin({ file }), { device: 'fake', tolerance: 0, describe, test });
