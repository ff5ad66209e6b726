// A window that makes pictures. The pipeline computes in a child process, so that the window stays quick; its progress comes by messages.
import { fileURLToPath } from 'node:url';
import { DiffusionPipeline } from '@thimble/core';
import { app, BrowserWindow, ipcMain } from 'electron';

const local = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let opening: Promise<DiffusionPipeline> | undefined;
let running: AbortController | undefined;

// One run at a time: the next one ends the last.
ipcMain.handle('generate', async ({ sender }, prompt: string, steps: number) => {
  running?.abort(new Error('another picture was asked for'));
  const own = new AbortController();
  running = own;
  opening ??= DiffusionPipeline.fromPretrained(process.env['MODEL'] ?? local('models/demo'));
  const pipe = await opening;
  for await (const event of pipe.stream(prompt, { numInferenceSteps: steps, signal: own.signal })) {
    if (event.type === 'step') sender.send('step', event.index + 1, event.steps);
    if (event.type === 'done') return (await event.result.images[0]!.toBuffer()).toString('base64');
  }
  return undefined;
});
ipcMain.on('cancel', () => running?.abort(new Error('cancelled')));

await app.whenReady();
const window = new BrowserWindow({
  width: 600,
  height: 720,
  webPreferences: { preload: local('preload.cjs'), contextIsolation: true, sandbox: true },
});
await window.loadFile(local('index.html'));

app.on('window-all-closed', () => app.quit());
let disposed = false;
app.on('before-quit', (event) => {
  if (disposed || opening === undefined) return;
  event.preventDefault();
  running?.abort(new Error('the application ends'));
  void opening
    .then(async (pipe) => pipe.dispose())
    .finally(() => {
      disposed = true;
      app.quit();
    });
});
