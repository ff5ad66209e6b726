import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ThimbleError } from '../../errors.js';
import { systemErrorCode } from '../../disk/fileSystemError.js';
import { expandPath } from './expandPath.js';

/** Where the hub and its cache are, as Hugging Face's environment variables say. Holds no secret. */
export interface HubSettings {
  /** Base URL without a slash at the end. */
  readonly endpoint: string;
  /** The cache's folder, which holds `models--OWNER--NAME` folders. */
  readonly cacheDir: string;
  /** No request may be made. */
  readonly offline: boolean;
  /** How long an answer about a model may take. */
  readonly etagTimeoutMs: number;
  /** How long a download may be silent. */
  readonly downloadTimeoutMs: number;
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

const DEFAULT_TIMEOUT_S = 10;

/**
 * Reads `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE`, `HF_HUB_ETAG_TIMEOUT` and `HF_HUB_DOWNLOAD_TIMEOUT`, with
 * huggingface_hub's meanings and defaults (source: huggingface_hub constants.py).
 *
 * @throws `ERR_HUB_SETTING_INVALID`
 */
export function readHubSettings(environment: NodeJS.ProcessEnv): HubSettings {
  return {
    endpoint: parseEndpoint(environment['HF_ENDPOINT'] || DEFAULT_ENDPOINT),
    cacheDir: expandPath(
      environment['HF_HUB_CACHE'] || environment['HUGGINGFACE_HUB_CACHE'] || join(hubHome(environment), 'hub'),
      environment,
    ),
    offline: isOn(environment['HF_HUB_OFFLINE'] || environment['TRANSFORMERS_OFFLINE']),
    etagTimeoutMs: timeoutOf('HF_HUB_ETAG_TIMEOUT', environment),
    downloadTimeoutMs: timeoutOf('HF_HUB_DOWNLOAD_TIMEOUT', environment),
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
  const file = expandPath(environment['HF_TOKEN_PATH'] || join(hubHome(environment), 'token'), environment);
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
  return expandPath(
    environment['HF_HOME'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface'),
    environment,
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

function timeoutOf(setting: string, environment: NodeJS.ProcessEnv): number {
  const text = environment[setting] || '0';
  if (/^\d{1,6}$/.test(text)) return 1000 * (Number(text) || DEFAULT_TIMEOUT_S);
  throw new ThimbleError('ERR_HUB_SETTING_INVALID', { setting, problem: 'it is not a whole number of seconds' });
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
