import { type HubModelId, parseHubModelId } from './HubModelId.js';

/** A file of a model on the hub. */
export interface HubFileId {
  readonly model: HubModelId;
  /** Path in the repository. */
  readonly path: string;
}

const WITH_COLON = /^(?<model>[\w.-]+\/[\w.-]+(?:@[^:]+)?):(?<path>[^:]+)$/;
/** As browsers show and as downloads have it: diffusers takes both, with and without the scheme. */
const ADDRESS =
  /^(?:https?:\/\/)?(?:huggingface\.co|hf\.co)\/(?<id>[\w.-]+\/[\w.-]+)\/(?:blob|resolve)\/(?<revision>[^/]+)\/(?<path>[^?#]+)/;

/**
 * Parses `owner/name:path/file.safetensors`, `owner/name@revision:path/file.safetensors`, or a file's address, `https://huggingface.co/owner/name/blob/main/file.safetensors`.
 *
 * @param endpoint an address that stands for the hub's, such as a mirror's
 * @returns `undefined` where `text` is neither
 * @throws `ERR_ARGUMENT_INVALID` for a malformed revision, or one beside the `revision` given
 */
export function parseHubFileId(text: string, revision: string | undefined, endpoint: string): HubFileId | undefined {
  const own = text.startsWith(`${endpoint}/`) ? `https://huggingface.co/${text.slice(endpoint.length + 1)}` : text;
  const address = ADDRESS.exec(own)?.groups;
  const { model: id, path } = address
    ? {
        model: `${address['id']}@${decodeURIComponent(address['revision'] as string)}`,
        path: decodeURIComponent(address['path'] as string),
      }
    : (WITH_COLON.exec(text)?.groups ?? {});
  if (id === undefined || path === undefined) return undefined;
  const model = parseHubModelId(id, revision);
  return model === undefined ? undefined : { model, path };
}
