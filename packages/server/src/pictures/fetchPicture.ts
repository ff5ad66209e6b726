import { lookup as resolveName, type LookupAddress } from 'node:dns';
import type { IncomingMessage } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import { ServerError } from '../ServerError.js';
import { isPublicAddress } from './publicAddress.js';

/** Milliseconds for a picture, all in all. */
const TIMEOUT = 15_000;
const MOST_REDIRECTS = 3;

/** Options of {@link fetchPicture}. */
export interface FetchPictureOptions {
  readonly maxBytes: number;
  /** Which addresses may be reached. Default: public ones. */
  readonly isAllowed?: ((address: string) => boolean) | undefined;
}

/**
 * Reads a picture from http or https. The address that was looked at is the one that is connected to, so that a name that answers otherwise the second time leads nowhere
 * else; so it is after each redirection.
 *
 * @throws ERR_URL_REFUSED for another protocol, an address that is not public, too many bytes or redirections, another status, and when it takes too long
 */
export async function fetchPicture(url: string, options: FetchPictureOptions): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(TIMEOUT);
  let target = parse(url);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await request(target, options.isAllowed ?? isPublicAddress, signal).catch((error: unknown) => {
      throw ServerError.is(error) ? error : refused(signal.aborted ? 'it took too long' : 'it cannot be reached');
    });
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.destroy();
      target = parse(headers.location, target);
      continue;
    }
    if (statusCode !== 200) {
      response.destroy();
      throw refused(`it answers with ${statusCode}`);
    }
    return readAll(response, options.maxBytes);
  }
  throw refused('it redirects too often');
}

async function request(
  target: URL,
  isAllowed: (address: string) => boolean,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = target.hostname.replaceAll(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAllowed(host)) throw refused('it is not a public address');
  const { get } = target.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    get(target, { lookup: lookupAllowed(isAllowed), signal, agent: false }, resolve).once('error', reject);
  });
}

/** Resolves names, and refuses those of which any address is not allowed. */
function lookupAllowed(isAllowed: (address: string) => boolean): LookupFunction {
  return (host, options, callback) => {
    resolveName(
      host,
      { all: true, family: options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0) },
      (error, found) => {
        const addresses: readonly LookupAddress[] = found ?? [];
        if (error !== null) return callback(error, []);
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => isAllowed(address)))
          return callback(refused('it is not a public address'), []);
        if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
    );
  };
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw refused(`it is larger than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw ServerError.is(error) ? error : refused('it broke off');
  }
  return Buffer.concat(chunks);
}

function parse(url: string, base?: URL): URL {
  const parsed = URL.canParse(url, base?.href) ? new URL(url, base) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol))
    throw refused('only http: and https: are');
  return parsed;
}

function refused(reason: string): Error {
  return new ServerError('ERR_URL_REFUSED', { reason });
}
