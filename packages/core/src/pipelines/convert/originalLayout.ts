import { refuseOption } from '../../fields/refuseOption.js';
import type { JsonObject } from '../../disk/readJsonFile.js';
import { type KeyMap, unchanged } from '../../weights/keymaps/KeyMap.js';
import { ldmUnet } from '../../weights/keymaps/ldmUnet.js';
import { ldmVae } from '../../weights/keymaps/ldmVae.js';
import { openClip } from '../../weights/keymaps/openClip.js';

/** How a component is called in a checkpoint in one file. */
export interface OriginalLayout {
  readonly prefix: string;
  readonly keyMap: KeyMap;
}

/** A component that goes into a file, and the pipeline that it is of. */
export interface ConvertedPart {
  readonly name: string;
  readonly className: string;
  readonly config: JsonObject;
  /** Names of the other components; none for a model alone. */
  readonly beside: readonly string[];
}

/** @throws ERR_ARGUMENT_INVALID for a component that Stable Diffusion's files do not have */
export function originalLayoutOf({ name, className, config, beside }: ConvertedPart): OriginalLayout {
  const isAlone = beside.length === 0;
  if (className === 'UNet2DConditionModel') return { prefix: isAlone ? '' : 'model.diffusion_model.', keyMap: ldmUnet };
  if (className === 'AutoencoderKL') return { prefix: isAlone ? '' : 'first_stage_model.', keyMap: ldmVae };
  if (!className.startsWith('CLIPTextModel'))
    return refuseOption(
      'layout',
      'single-file',
      `"diffusers": ${name}, a ${className}, has no layout of a single file here`,
    );
  const isClip = config['hidden_act'] === 'quick_gelu';
  const keyMap = isClip ? unchanged : openClip;
  if (isAlone) return { prefix: '', keyMap };
  if (name === 'text_encoder_2')
    return { prefix: `conditioner.embedders.${beside.includes('text_encoder') ? 1 : 0}.model.`, keyMap };
  const isXl = beside.includes('text_encoder_2');
  if (isXl) return { prefix: 'conditioner.embedders.0.transformer.', keyMap };
  return { prefix: isClip ? 'cond_stage_model.transformer.' : 'cond_stage_model.model.', keyMap };
}
