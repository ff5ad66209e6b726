import { ThimbleError } from '../../errors.js';

/** How requests go out: the platform's own `fetch`, or one that goes by the proxies that the environment names. */
export type Fetch = typeof globalThis.fetch;

/** The proxies of an environment, by what a URL begins with, and the hosts that are asked directly. */
export interface ProxySettings {
  readonly 'http:'?: string;
  readonly 'https:'?: string;
  readonly noProxy: string;
}

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, lower case first, as Python's clients do: a proxy may be written without `http://`, and a host of `NO_PROXY`
 * stands for its subdomains too (source: urllib.request `getproxies_environment`, httpx `get_environment_proxies`).
 *
 * @throws `ERR_HUB_SETTING_INVALID` for a proxy that is no HTTP proxy; the message does not show it, since it may hold a password
 */
export function readProxySettings(environment: NodeJS.ProcessEnv): ProxySettings {
  const variable = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name];
  const proxy = (name: string): string | undefined => {
    const own = variable(name);
    return own ? parseProxy(name, own) : parseProxy('ALL_PROXY', variable('ALL_PROXY'));
  };
  // A server that runs CGI scripts puts a request's header "Proxy" into HTTP_PROXY.
  const http = environment['REQUEST_METHOD'] === undefined ? proxy('HTTP_PROXY') : undefined;
  const https = proxy('HTTPS_PROXY');
  return { ...(http && { 'http:': http }), ...(https && { 'https:': https }), noProxy: hostsOf(variable('NO_PROXY')) };
}

/** `fetch` by the proxies of the environment. @throws as {@link readProxySettings} */
export async function proxiedFetch(environment: NodeJS.ProcessEnv): Promise<Fetch> {
  const { 'http:': httpProxy, 'https:': httpsProxy, noProxy } = readProxySettings(environment);
  if (httpProxy === undefined && httpsProxy === undefined) return globalThis.fetch;
  // Loaded only here, since few need it. With a fetch of its own, because the platform's may not know an agent of another version.
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const agent = new EnvHttpProxyAgent({
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy,
    proxyTunnel: false,
  });
  return ((input: string | URL, init: object) => {
    // The agent would take the proxy for http where there is none for https.
    const direct = new URL(input).protocol === 'https:' && httpsProxy === undefined;
    return fetch(input, direct ? init : { ...init, dispatcher: agent });
  }) as unknown as Fetch;
}

function parseProxy(setting: string, text: string | undefined): string | undefined {
  if (!text) return undefined;
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new ThimbleError('ERR_HUB_SETTING_INVALID', { setting, problem: 'it is not the URL of an HTTP proxy' });
}

/** As the agent takes them: "*" alone, addresses of version 6 in brackets. */
function hostsOf(list: string = ''): string {
  const hosts = list.split(/[\s,]+/).filter((host) => host !== '');
  if (hosts.includes('*')) return '*';
  return hosts.map((host) => (/^[^[]*:.*:/.test(host) ? `[${host}]` : host)).join(',');
}
