const { contextBridge, ipcRenderer } = require('electron');

// What the page may do, and no more.
contextBridge.exposeInMainWorld('thimble', {
  generate: (prompt, steps) => ipcRenderer.invoke('generate', prompt, steps),
  cancel: () => ipcRenderer.send('cancel'),
  onStep: (listener) => ipcRenderer.on('step', (_event, step, steps) => listener(step, steps)),
});
