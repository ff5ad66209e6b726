// npm run bench -- [NAME] [options]: measures; nothing else may run meanwhile.
import { benchAll } from './all.mjs';
import { benchCompare } from './compare.mjs';
import { benchControlNet } from './controlnet.mjs';
import { benchConvolutions } from './convolutions.mjs';
import { benchDistilled } from './distilled.mjs';
import { benchInt8 } from './int8.mjs';
import { benchInt8Quality } from './int8Quality.mjs';
import { benchLora } from './lora.mjs';
import { benchOffload } from './offload.mjs';
import { benchPlanner } from './planner.mjs';
import { benchServe } from './serve.mjs';
import { benchService } from './service.mjs';
import { benchStart } from './start.mjs';
import { benchStartup } from './startup.mjs';
import { benchStorage } from './storage.mjs';
import { benchStepCache } from './stepCache.mjs';
import { benchTable } from './table.mjs';
import { benchTimelines } from './timelines.mjs';
import { benchTokenMerging } from './tokenMerging.mjs';
import { benchTransformers } from './transformers.mjs';
import { benchUhdStep } from './uhdStep.mjs';
import { benchUnet } from './unet.mjs';
import { benchVae } from './vae.mjs';
import { benchVideo } from './video.mjs';

const BENCHES = {
  all: benchAll,
  compare: benchCompare,
  unet: benchUnet,
  convolutions: benchConvolutions,
  memory: benchOffload,
  storage: benchStorage,
  planner: benchPlanner,
  serve: benchServe,
  service: benchService,
  start: benchStart,
  startup: benchStartup,
  table: benchTable,
  timelines: benchTimelines,
  vae: benchVae,
  'uhd-step': benchUhdStep,
  video: benchVideo,
  int8: benchInt8,
  'int8-quality': benchInt8Quality,
  distilled: benchDistilled,
  transformers: benchTransformers,
  controlnet: benchControlNet,
  lora: benchLora,
  'step-cache': benchStepCache,
  'token-merging': benchTokenMerging,
};
const [name = 'unet', ...args] = process.argv.slice(2);
const known = name.startsWith('-') ? benchUnet : BENCHES[name];
if (known === undefined) {
  console.error(`no benchmark "${name}"; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
await known(name.startsWith('-') ? [name, ...args] : args);
