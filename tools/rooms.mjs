/**
 * The rooms of packages/core/src, from upper to lower. A room imports only rooms below it. The linter's rules
 * (.dependency-cruiser.mjs) are made from this list, and a test holds the table of docs/architecture.md against it.
 */
export const rooms = [
  'pipelines',
  'sampling',
  'run',
  'extension',
  'execution',
  'hooks',
  'schedulers',
  'models',
  'graph',
  'weights',
  'device',
];

/** The ground floor: rooms that every room above may import, each with the rooms beside it that it may import itself. */
export const groundFloor = {
  tokenizers: ['disk', 'fields'],
  images: ['disk', 'fields'],
  random: ['fields'],
  fields: [],
  disk: ['fields'],
  errors: [],
};

/** Files beside the rooms: the entries import every room, and no room imports them; the foundation imports nothing, but for errors.ts, whose messages are in errors/. */
export const entries = ['index.ts', 'plugin.ts', 'model.ts'];
export const foundation = ['errors.ts', 'linkSignals.ts', 'untilAborted.ts', 'version.ts'];

/** Each large library, and the places that may know it, below packages/core/src. */
export const libraries = {
  tapable: ['hooks/engine'],
  'onnxruntime-node': ['device'],
  sharp: ['images'],
  tsyringe: ['pipelines', 'extension'],
  'reflect-metadata': ['pipelines', 'extension'],
  '@huggingface/hub': ['weights/hub'],
};

/** The rooms that `room` may import, itself left out. */
export function roomsBelow(room) {
  if (room in groundFloor) return groundFloor[room];
  return [...rooms.slice(rooms.indexOf(room) + 1), ...Object.keys(groundFloor)];
}
