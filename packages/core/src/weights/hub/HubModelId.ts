import { ThimbleError } from '../../errors.js';

/** A model on the hub, at a revision. */
export interface HubModelId {
  /** `owner/name`. */
  readonly id: string;
  /** A branch, a tag or a commit; `main` unless told. */
  readonly revision: string;
}

const ID = /^(?<id>[\w.-]{1,96}\/[\w.-]{1,96})(?:@(?<revision>.+))?$/;
/** Revisions become paths in the cache. */
const REVISION = /^\w[\w.+-]*(?:\/\w[\w.+-]*)*$/;

/**
 * Parses `owner/name` or `owner/name@revision`.
 *
 * @param revision a revision given beside the id
 * @returns `undefined` where `text` cannot be an id
 * @throws `ERR_ARGUMENT_INVALID` where the revision is malformed, or another one than that in `text`
 */
export function parseHubModelId(text: string, revision?: string): HubModelId | undefined {
  const { id, revision: inText } = ID.exec(text)?.groups ?? {};
  if (id === undefined || !id.split('/').every(isNamePart)) return undefined;
  if (inText !== undefined && revision !== undefined && inText !== revision) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'revision',
      value: revision,
      expected: `"${inText}", as in the id, or none`,
    });
  }
  const chosen = revision ?? inText ?? 'main';
  if (REVISION.test(chosen)) return { id, revision: chosen };
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'revision',
    value: chosen,
    expected: 'a branch, a tag or a commit',
  });
}

/** Whether a revision is a full commit hash. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

function isNamePart(part: string): boolean {
  return !/^[.-]|[.-]$|--|\.\.|\.git$/.test(part);
}
