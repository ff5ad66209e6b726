import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_CONTROLNET_MISMATCH: {
    summary: 'A ControlNet was made for another model than the one that it is to control.',
    message: (d: { model: string; problem: string }): string =>
      `The ControlNet "${d.model}" does not fit this pipeline: ${d.problem}. Take one that was trained for this family of models.`,
  },
  ERR_CONTROLNET_FILE: {
    summary: 'A file does not hold a ControlNet, or not as any layout of one that is known.',
    message: (d: { file: string; problem: string }): string =>
      `"${d.file}" cannot be opened as a ControlNet: ${d.problem}. Files with diffusers' keys and with those of the authors' repository (control_model.…, input_hint_block.…) are known.`,
  },
} as const;

/** Failures of ControlNets. */
export const ControlNetError: DefinedErrors<typeof DEFINITIONS> = defineErrors('thimble:controlnet', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
