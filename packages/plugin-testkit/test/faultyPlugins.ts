import { mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Plugin, Tensor } from '@thimble/core';
import { type ComponentHandle, type PluginContext, type StepContext } from '@thimble/core/plugin';
import { hooksBehind } from './leakyPlugins.js';

/** A plugin and the rules that it breaks. */
export interface FaultyPlugin {
  readonly fault: string;
  readonly breaks: readonly string[];
  readonly create: () => Plugin;
}

const ENGINES = { thimble: '*' };

function plugin(apply: (ctx: PluginContext) => void | Promise<void>): () => Plugin {
  return () => ({ name: 'test:faulty', engines: ENGINES, apply });
}

function unet({ pipeline }: PluginContext): ComponentHandle {
  return pipeline.components['unet'] as ComponentHandle;
}

/** Makes latents differ a little. */
function nudge(step: StepContext, by: number): void {
  step.latents = new Tensor(
    'float32',
    (step.latents.data as Float32Array).map((x) => x + by),
    step.latents.dims,
  );
}

async function leakSession(ctx: PluginContext): Promise<void> {
  const component = unet(ctx);
  const graph = component.graph('call', {
    sample: { type: 'float32', dims: [1, 4, 4, 4] },
    timestep: { type: 'float32', dims: [1] },
    encoder_hidden_states: { type: 'float32', dims: [1, 77, 16] },
  });
  await component.device.load(component.lower(graph));
}

let stepsOfAll = 0;

const shared = { runs: 0 };

export const FAULTY_PLUGINS: readonly FaultyPlugin[] = [
  {
    fault: 'leaks a session',
    breaks: ['device-freed', 'rollback', 'reinstalls', 'failed-run', 'abort'],
    create: plugin(leakSession),
  },
  {
    fault: 'keeps tensors on the device',
    breaks: ['device-freed', 'reinstalls', 'failed-run', 'abort'],
    create: plugin((ctx) => {
      ctx.hooks.afterSegment.tap('keep', async ({ handle, outputs }) => {
        const [first] = Object.values(outputs ?? {});
        if (first !== undefined) await handle.device.upload(await handle.device.download(first));
      });
    }),
  },
  {
    fault: 'leaves a tap',
    breaks: ['taps-removed', 'rollback', 'reinstalls', 'failed-run', 'abort'],
    create: plugin((ctx) => void hooksBehind(ctx).beforeStep.tap('left', () => undefined)),
  },
  {
    fault: 'keeps state across runs',
    breaks: ['runs-independent', 'reinstalls', 'failed-run', 'abort', 'two-pipelines'],
    create: () => {
      let runs = 0;
      return {
        name: 'test:faulty',
        engines: ENGINES,
        apply: ({ hooks }) => {
          hooks.beforeRun.tap('count', () => void runs++);
          hooks.afterStep.tap('nudge', (step) => (runs > 1 ? nudge(step, 0.01 * runs) : undefined));
        },
      };
    },
  },
  {
    fault: 'changes output after removal',
    breaks: ['output-restored', 'rollback', 'tolerance', 'failed-run', 'abort', 'two-pipelines'],
    create: plugin((ctx) => {
      const component = unet(ctx);
      const call = component.call.bind(component);
      component.call = async (inputs, options) => {
        const { sample } = await call(inputs, options);
        return {
          sample: new Tensor(
            'float32',
            (sample!.data as Float32Array).map((x) => x * 1.01),
            sample!.dims,
          ),
        };
      };
    }),
  },
  {
    fault: 'swallows an abort',
    breaks: ['abort', 'failed-run'],
    create: plugin(({ hooks }) => {
      hooks.beforeDecode.tap('swallow', (decode) => {
        decode.wrap((next) => async (z) => {
          try {
            return await next(z);
          } catch {
            const [n, , height, width] = z.dims as [number, number, number, number];
            return new Tensor('float32', new Float32Array(n * 3 * 64 * height * width), [n, 3, 8 * height, 8 * width]);
          }
        });
      });
    }),
  },
  {
    fault: 'makes another error of an abort',
    breaks: ['abort', 'failed-run'],
    create: plugin(({ hooks }) => {
      hooks.beforeModelCall.tap('rename', (call) => {
        call.wrap(
          (next) => async (inputs) =>
            next(inputs).catch(() => {
              throw new Error('something went wrong');
            }),
        );
      });
    }),
  },
  {
    fault: 'shares state between pipelines',
    breaks: ['two-pipelines'],
    create: plugin(({ hooks }) => {
      hooks.beforeRun.tap('begin', () => void (shared.runs += 1));
      hooks.afterStep.tap('nudge', (step) => nudge(step, 0.01 * shared.runs));
      hooks.afterRun.tap('end', () => void (shared.runs -= 1));
    }),
  },
  {
    fault: 'counts steps in its module',
    breaks: ['tolerance', 'runs-independent', 'reinstalls', 'failed-run', 'abort', 'two-pipelines'],
    create: plugin(({ hooks }) => {
      hooks.afterStep.tap('nudge', (step) => nudge(step, 0.01 * stepsOfAll++));
    }),
  },
  {
    fault: 'throws half way in apply, with a session loaded',
    breaks: ['installs', 'rollback'],
    create: plugin(async (ctx) => {
      ctx.hooks.beforeStep.tap('first', () => undefined);
      await leakSession(ctx);
      throw new Error('out of luck');
    }),
  },
  {
    fault: 'throws half way in apply, with taps alone',
    breaks: ['installs'],
    create: plugin(({ hooks }) => {
      hooks.beforeStep.tap('first', () => undefined);
      throw new Error('out of luck');
    }),
  },
  {
    fault: 'says too late how to undo what it does',
    breaks: ['rollback'],
    create: plugin(async (ctx) => {
      const { device } = unet(ctx);
      const tensor = await device.upload(new Tensor('float32', new Float32Array(1), [1]));
      ctx.hooks.beforeStep.tap('a tap', () => undefined);
      ctx.onRemove(async () => device.free([tensor]));
    }),
  },
  {
    fault: 'leaves a file open and a temporary folder',
    breaks: ['files-closed', 'rollback', 'reinstalls', 'failed-run', 'abort', 'disposal'],
    create: plugin(() => {
      const file = join(mkdtempSync(join(tmpdir(), 'faulty-')), 'left');
      writeFileSync(file, '');
      openSync(file, 'r');
    }),
  },
  {
    fault: 'has neither author nor engines',
    breaks: ['identity'],
    create: () => ({ name: 'faulty', apply: () => undefined }),
  },
  {
    fault: 'fails when it is removed',
    breaks: ['installs', 'rollback'],
    create: plugin(({ onRemove }) => {
      onRemove(() => {
        throw new Error('stuck');
      });
    }),
  },
];
