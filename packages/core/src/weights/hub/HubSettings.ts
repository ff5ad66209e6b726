import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ThimbleError } from '../../errors.js';
import { systemErrorCode } from '../../disk/fileSystemError.js';

/** Where the hub and its cache are, as Hugging Face's environment variables say. Holds no secret. */
export interface HubSettings {
  /** Base URL without a slash at the end. */
  readonly endpoint: string;
  /** The cache's folder, which holds `models--OWNER--NAME` folders. */
  readonly cacheDir: string;
  /** No request may be made. */
  readonly offline: boolean;
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/**
 * Reads `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME` and `HF_HUB_OFFLINE`, with huggingface_hub's defaults.
 *
 * @throws `ERR_HUB_SETTING_INVALID`
 */
export function readHubSettings(environment: NodeJS.ProcessEnv): HubSettings {
  return {
    endpoint: parseEndpoint(environment['HF_ENDPOINT'] || DEFAULT_ENDPOINT),
    cacheDir: expandHome(
      environment['HF_HUB_CACHE'] || environment['HUGGINGFACE_HUB_CACHE'] || join(hubHome(environment), 'hub'),
    ),
    offline: isOn(environment['HF_HUB_OFFLINE']),
  };
}

/**
 * The access token from `HF_TOKEN`, else from the file that `hf auth login` writes.
 *
 * @throws `ERR_HUB_SETTING_INVALID`, which never shows the token
 */
export async function readHubToken(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (isOn(environment['HF_HUB_DISABLE_IMPLICIT_TOKEN'])) return undefined;
  const fromEnvironment = environment['HF_TOKEN'] || environment['HUGGING_FACE_HUB_TOKEN'];
  const file = expandHome(environment['HF_TOKEN_PATH'] || join(hubHome(environment), 'token'));
  const token = (fromEnvironment || (await readIfThere(file)))?.trim();
  if (!token) return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const setting = fromEnvironment ? 'HF_TOKEN' : `The token file "${file}"`;
  throw new ThimbleError('ERR_HUB_SETTING_INVALID', {
    setting,
    problem: 'it contains spaces or characters that no token has',
  });
}

function hubHome(environment: NodeJS.ProcessEnv): string {
  return expandHome(
    environment['HF_HOME'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface'),
  );
}

function parseEndpoint(text: string): string {
  const fail = (problem: string): never => {
    throw new ThimbleError('ERR_HUB_SETTING_INVALID', { setting: 'HF_ENDPOINT', problem });
  };
  if (!URL.canParse(text)) return fail('it is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return fail('it is not an http or https URL');
  if (url.username !== '' || url.password !== '')
    return fail('it contains a user name or password; use HF_TOKEN for access');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function expandHome(path: string): string {
  return path.replace(/^~(?=$|[/\\])/, () => homedir());
}

function isOn(value: string | undefined): boolean {
  return /^(?:1|on|yes|true)$/i.test(value ?? '');
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
}
