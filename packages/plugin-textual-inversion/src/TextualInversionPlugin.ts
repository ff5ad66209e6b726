import type { Plugin } from '@thimble/core';
import { type ComponentHandle, type PluginContext, type PluginPipeline, Stage } from '@thimble/core/plugin';
import { EncoderWords, tokenizerOf } from './EncoderWords.js';
import { type Inversion, readInversion } from './readInversion.js';
import { TextualInversionError } from './TextualInversionError.js';
import {
  checkInversions,
  textualInversionFields,
  type TextualInversionOptions,
  type TextualInversionSettings,
} from './TextualInversionOptions.js';

/** Names of components that read texts. */
const TEXT_ENCODER = /^text_encoder(_\d+)?$/;

/**
 * Words that text encoders learned afterwards: each is a token in prompts, and stands for one vector or several. Tokenizers know the tokens while the plugin is there; weights are not touched.
 *
 * Source: R. Gal et al., "An Image is Worth One Word", 2022; diffusers loaders/textual_inversion.py.
 */
export class TextualInversionPlugin implements Plugin {
  static readonly optionFields = textualInversionFields;
  readonly name = 'thimble:textual-inversion';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #settings: readonly TextualInversionSettings[];

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for a textual inversion without a file, and for an unknown option */
  constructor(inversions: TextualInversionOptions | readonly TextualInversionOptions[]) {
    this.#settings = checkInversions(inversions);
  }

  async apply({ hooks, pipeline, addDisposable }: PluginContext): Promise<void> {
    const inversions: Inversion[] = [];
    for (const settings of this.#settings) inversions.push(await readInversion(settings));
    const words = new Map<string, EncoderWords>();
    const teach = (): void => {
      // The checkpoint may not be open yet.
      if (pipeline.ownComponents === undefined) return;
      const encoders = encodersOf(pipeline);
      if (encoders.length === 0) {
        const { file } = inversions[0] as Inversion;
        throw new TextualInversionError('ERR_EMBEDDING_ENCODER', { file, available: pipeline.ownComponents });
      }
      for (const encoder of encoders)
        if (!words.has(encoder.name))
          words.set(encoder.name, addDisposable(EncoderWords.add(encoder, inversions, pipeline)));
    };
    teach();
    hooks.beforeRun.tap({ name: this.name, stage: Stage.Early }, teach);
    // Innermost, so that chunks that others have changed or added have their words too.
    hooks.encodePrompt.tap({ name: this.name, stage: Stage.Late }, ({ component, embedTokens, wrap }) => {
      const learned = words.get(component);
      if (learned !== undefined) wrap((next) => async (chunks) => next(await learned.fill(chunks, embedTokens)));
    });
    // Whoever calls an encoder by itself has them as well.
    hooks.beforeModelCall.tap({ name: this.name, stage: Stage.Early }, async (call) => {
      if (!TEXT_ENCODER.test(call.component)) return;
      teach();
      await words.get(call.component)?.serve(call);
    });
  }
}

/** The text encoders of the checkpoint whose tokenizers take tokens. */
function encodersOf({ ownComponents = [], components, tokenizers }: PluginPipeline): readonly ComponentHandle[] {
  return ownComponents
    .filter((name) => TEXT_ENCODER.test(name) && tokenizers[tokenizerOf(name)]?.addToken !== undefined)
    .map((name) => components[name] as ComponentHandle);
}
