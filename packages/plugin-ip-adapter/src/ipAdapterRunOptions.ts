import type { ImageInput, OutputType, Tensor } from '@thimble/core';
import { described, numberField, objectField, type OptionsOf } from '@thimble/core/model';
import {
  imageField,
  InputPictures,
  type Named,
  type OptionReading,
  type OptionRead,
  type RunOption,
} from '@thimble/core/plugin';

type Images = ImageInput | readonly ImageInput[] | undefined;

const FIELDS = {
  /** Pictures as prompts beside the text: all of a list are seen together. */
  ipAdapterImage: described(
    imageField('an Image, a path, the bytes of a picture, or a float32 Tensor [n, 3, height, width]'),
    { description: 'a picture as a prompt', conflicts: ['ipAdapterImageEmbeds'] },
  ),
  /** Embeddings in place of pictures: float32 [1, pictures, width], of Plus [1, pictures, image tokens, width]; with guidance [2, …], those of no picture first. */
  ipAdapterImageEmbeds: objectField<Tensor>(
    'Tensor',
    'a float32 Tensor [1 or 2, pictures, width], of Plus [1 or 2, pictures, image tokens, width]',
    isEmbeds,
  ),
  /** How much pictures count, in place of the plugin's `scale`. */
  ipAdapterScale: described(numberField(1), { description: 'how much ipAdapterImage counts' }),
};

/** The options of a run that an `IPAdapterPlugin` adds. */
export type IPAdapterRunOptions = OptionsOf<typeof FIELDS>;

declare module '@thimble/core' {
  interface GenerateOptions<O extends OutputType = OutputType> extends IPAdapterRunOptions {}
}

/** What stands for options that a run does not give. */
export interface IPAdapterDefaults {
  readonly image: Images;
  readonly scale: number;
}

/**
 * The options of a run, read: pictures as `InputPictures`.
 *
 * @param check whether the pipeline's UNet is one that the adapter was made for; called where there is a picture
 */
export function ipAdapterRunOptions(
  { image, scale }: IPAdapterDefaults,
  check: (option: string) => void,
): Named<RunOption> {
  const { ipAdapterImage, ipAdapterImageEmbeds, ipAdapterScale } = FIELDS;
  const readPictures = async (given: Images, { warn }: OptionReading): Promise<OptionRead> => {
    const pictures = given ?? image;
    if (pictures === undefined) return { value: undefined };
    check('ipAdapterImage');
    return { value: await InputPictures.read(pictures, { option: 'ipAdapterImage', warn, background: 255 }) };
  };
  const readEmbeds = async (value: Tensor | undefined): Promise<OptionRead> => {
    if (value !== undefined) check('ipAdapterImageEmbeds');
    return { value };
  };
  return {
    ipAdapterImage: { ...ipAdapterImage, read: readPictures },
    ipAdapterImageEmbeds: { ...ipAdapterImageEmbeds, read: readEmbeds },
    ipAdapterScale: { ...ipAdapterScale, default: scale },
  };
}

function isEmbeds(value: unknown): boolean {
  const { type, dims } = (value ?? {}) as Partial<Tensor>;
  return type === 'float32' && (dims?.length === 3 || dims?.length === 4);
}
