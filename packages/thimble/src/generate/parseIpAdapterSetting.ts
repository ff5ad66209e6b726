import { InvalidArgumentError } from 'commander';

/** An IP-Adapter, as `--ip-adapter` names it: options of the plugin. */
export interface IpAdapterSetting {
  readonly model: string;
  readonly image: readonly string[];
  readonly scale?: number;
  readonly imageEncoder?: string;
}

const KEYS = ['model', 'image', 'scale', 'encoder'];

/** A comma stands between two settings where what looks like a key follows; others belong to paths. */
const BETWEEN = /,(?=[a-z]+=)/;

/** Reads `model=FILE,image=FILE,scale=0.6`. */
export function parseIpAdapterSetting(text: string): IpAdapterSetting {
  const values = new Map<string, string[]>(KEYS.map((key) => [key, []]));
  for (const part of text.split(BETWEEN)) {
    const [, key = '', value = ''] = /^([a-z]+)=(.+)$/s.exec(part) ?? [];
    (values.get(key) ?? refuse(part)).push(value);
  }
  const [[model], image, [scale], [imageEncoder]] = KEYS.map((key) => values.get(key)) as [
    string[],
    string[],
    string[],
    string[],
  ];
  if (model === undefined || image.length === 0 || Number.isNaN(Number(scale ?? 1))) return refuse(text);
  return {
    model,
    image,
    ...(scale === undefined ? {} : { scale: Number(scale) }),
    ...(imageEncoder === undefined ? {} : { imageEncoder }),
  };
}

function refuse(text: string): never {
  throw new InvalidArgumentError(`Expected model=FILE,image=FILE, and if need be scale=…, encoder=…; not "${text}".`);
}
