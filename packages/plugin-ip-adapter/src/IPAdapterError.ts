import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_IP_ADAPTER_FILE: {
    summary: 'A file is no IP-Adapter, or one of a kind that is not known.',
    message: (d: { file: string; problem: string }): string =>
      `"${d.file}" cannot be used as an IP-Adapter: ${d.problem}.`,
  },
  ERR_IP_ADAPTER_UNET: {
    summary: 'An IP-Adapter was made for another UNet.',
    message: (d: { file: string; got: string; expected: string }): string =>
      `"${d.file}" was made for another UNet: it has ${d.got}; this pipeline's needs ${d.expected}.`,
  },
  ERR_IP_ADAPTER_ENCODER: {
    summary: 'An IP-Adapter was made for another image encoder.',
    message: (d: { file: string; encoder: string; got: number; expected: number }): string =>
      `"${d.file}" was made for another image encoder: its embeddings have ${d.expected} channels, those of "${d.encoder}" ${d.got}. Name the right one as imageEncoder.`,
  },
} as const;

/** Failures of IP-Adapters. */
export const IPAdapterError: DefinedErrors<typeof DEFINITIONS> = defineErrors('thimble:ip-adapter', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
