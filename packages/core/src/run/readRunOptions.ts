import type { PluginHost } from '../extension/PluginHost.js';
import type { PluginHostPipeline } from '../extension/PluginHostPipeline.js';
import { OPTIONS } from '../extension/tokens.js';

/** Options that say how large a run is: whoever gives one of them has said it. */
const SAY_THE_SIZE = ['width', 'height', 'image'];

/** The options of a run: as it is to be, and as the user gave them, without defaults. */
interface GivenOptions<V> {
  readonly given: V;
  readonly asked: object;
  readonly signal: AbortSignal;
}

/**
 * The options of a run with what plugins read for theirs in place of what was given; and with the size that follows from it, where nobody said one.
 *
 * Waits until no plugin comes or goes.
 *
 * @throws what the plugins' options throw; `signal.reason`
 */
export async function readRunOptions<V extends object>(
  pipeline: Pick<PluginHostPipeline, 'warn'>,
  host: Pick<PluginHost, 'provided' | 'settled'>,
  { given, asked, signal }: GivenOptions<V>,
): Promise<V> {
  await host.settled(signal);
  const values = new Map<string, unknown>(Object.entries(given));
  const said = SAY_THE_SIZE.some((name) => (asked as Readonly<Record<string, unknown>>)[name] !== undefined);
  const read: Record<string, unknown> = {};
  let sized = said || !values.has('width');
  for (const [name, option] of host.provided(OPTIONS).flatMap((options) => Object.entries(options))) {
    if (option.read === undefined) continue;
    const warn = (code: string, message: string): void => pipeline.warn(code, message);
    const { value, size } = await option.read(values.get(name), { signal, warn });
    Object.assign(read, { [name]: value }, sized ? {} : size);
    sized ||= size !== undefined;
  }
  return { ...given, ...read };
}
