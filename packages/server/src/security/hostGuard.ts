import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import ipaddr from 'ipaddr.js';
import { ServerError } from '../ServerError.js';
import type { ServerSettings } from '../ServerOptions.js';

/** Names of this machine, for itself. */
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

/** Whether only this machine reaches an address. */
export function isLocal(host: string): boolean {
  const name = plain(host);
  if (isIP(name) === 0) return name === 'localhost';
  return ipaddr.process(name).range() === 'loopback';
}

/**
 * Refuses requests for another host's name, by which a page of another site would reach this server (DNS rebinding), and requests that pages of other sites send. With a
 * token and no list of hosts, any name goes: such a page has no token.
 */
export function hostGuard(
  app: FastifyInstance,
  {
    host,
    token,
    allowedHosts,
    allowedOrigins = [],
  }: Pick<ServerSettings, 'host' | 'token' | 'allowedHosts' | 'allowedOrigins'>,
): void {
  const names =
    token !== undefined && allowedHosts === undefined
      ? undefined
      : [...LOCAL_NAMES, host, ...(allowedHosts ?? [])].map(plain);
  app.addHook('onRequest', async ({ headers }) => {
    const name = nameOf(headers.host);
    if (name === undefined || (names !== undefined && !names.includes(plain(name))))
      throw new ServerError('ERR_ORIGIN_REFUSED', { header: 'Host' });
    const { origin } = headers;
    if (origin === undefined || allowedOrigins.includes(origin)) return;
    const own = URL.canParse(origin) && new URL(origin).host === new URL(`http://${headers.host}`).host;
    if (!own) throw new ServerError('ERR_ORIGIN_REFUSED', { header: 'Origin' });
  });
}

function nameOf(host: string | undefined): string | undefined {
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname;
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
