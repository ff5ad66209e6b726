import type { ErrorDefinitions } from './ErrorDefinition.js';

/** Failures of the hub and of downloads. */
export const hubErrors = {
  ERR_MODEL_NOT_FOUND: {
    summary: 'A model is neither a folder nor on the hub.',
    message: (d: { model: string; folder: string; problem: string }): string =>
      `Model "${d.model}" was not found: there is no folder "${d.folder}", and ${d.problem}. Give the path of a folder, or a hub id "owner/name" or "owner/name@revision".`,
  },
  ERR_HUB_ACCESS: {
    summary: 'The hub refuses access to a model.',
    message: (d: { model: string; endpoint: string; status: number; withToken: boolean }): string =>
      `${d.endpoint} refuses access to "${d.model}" (HTTP ${d.status}). ` +
      (d.withToken
        ? 'The token is not valid there or may not read this model: accept the conditions on its page, or use another token.'
        : 'If the model is private or gated, accept the conditions on its page and set HF_TOKEN to a token that may read it.'),
  },
  ERR_HUB_REQUEST: {
    summary: 'A request to the hub failed.',
    message: (d: {
      model: string;
      endpoint: string;
      what: string;
      problem: string;
      status?: number | undefined;
    }): string =>
      `Fetching ${d.what} of "${d.model}" from ${d.endpoint} failed: ${d.problem}. Try again later (what was downloaded is kept), or pass the path of a folder.`,
  },
  ERR_HUB_OFFLINE: {
    summary: 'A model is not in the cache, and downloading is switched off.',
    message: (d: { model: string; cache: string; missing: readonly string[]; folder: string }): string =>
      `Model "${d.model}" is not complete in the cache "${d.cache}" (missing: ${d.missing.join(', ')}), there is no folder "${d.folder}", and downloads are off ` +
      '(HF_HUB_OFFLINE or localFilesOnly). Allow downloads once, or pass the path of a folder.',
  },
  ERR_HUB_SETTING_INVALID: {
    summary: 'An environment setting for the hub cannot be used.',
    message: (d: { setting: string; problem: string }): string =>
      `${d.setting} cannot be used: ${d.problem}. Correct it or unset it.`,
  },
  ERR_DOWNLOAD_CORRUPT: {
    summary: 'A downloaded file is not the file that the hub announced.',
    message: (d: { model: string; file: string; problem: string }): string =>
      `"${d.file}" of "${d.model}" was not downloaded correctly: ${d.problem}. The damaged file was removed; try again.`,
  },
} as const satisfies ErrorDefinitions;
