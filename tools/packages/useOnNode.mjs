import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';
import { installFrom } from './installFrom.mjs';
import { programOfNode } from './programOfNode.mjs';

const SCRIPT = `import assert from 'node:assert';
import { createTestPipeline, checkPluginConformance, testRun } from '@thimble/plugin-testkit';
import { SequentialOffloadPlugin } from '@thimble/plugin-offload';
const pipe = await createTestPipeline();
const { images } = await pipe.generate('a cat', { ...testRun, outputType: 'image' });
await images[0].save('cat.png');
await pipe.dispose();
assert.deepEqual(await checkPluginConformance(() => new SequentialOffloadPlugin()), []);
console.log(process.version);
`;

/**
 * Installs packages together and runs a picture and a plugin's conformance suite on other versions of Node.
 *
 * @param {{ root: string, folder: string, versions: readonly string[], tarballs: Readonly<Record<string, string>> }} parts
 * @returns {Promise<string[]>} the versions that it ran on
 */
export async function useOnNode({ root, folder, versions, tarballs }) {
  await installFrom({
    root,
    folder,
    tarballs: ['core', 'plugin-offload', 'plugin-testkit'].map((name) => tarballs[name]),
    manager: 'npm',
  });
  await writeFile(join(folder, 'script.js'), SCRIPT);
  const ran = [];
  for (const version of versions) {
    ran.push((await command(await programOfNode(version, folder), ['script.js'], { cwd: folder })).trim());
  }
  return ran;
}
