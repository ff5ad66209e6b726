import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** The cookie that stands for the token. */
export const COOKIE = 'thimble_access';

/** Who may use a server: everybody where there is no token, else who brings it. Comparisons take the same time whatever is compared. */
export class Access {
  readonly #token: string | undefined;

  constructor(token: string | undefined) {
    this.#token = token;
  }

  /** Whether a token is needed at all. */
  get guarded(): boolean {
    return this.#token !== undefined;
  }

  /** Whether `secret` is the token. */
  isToken(secret: string): boolean {
    return this.#token !== undefined && same(secret, this.#token);
  }

  /** Whether a request brings the token as Bearer, by Basic, or by the cookie. */
  admits({ headers, cookies }: FastifyRequest): boolean {
    if (this.#token === undefined) return true;
    const [, scheme = '', value = ''] = /^(\S+) +(.+)$/.exec(headers.authorization ?? '') ?? [];
    if (scheme.toLowerCase() === 'bearer') return this.isToken(value.trim());
    if (scheme.toLowerCase() === 'basic') return this.#isBasic(Buffer.from(value, 'base64').toString());
    const cookie = cookies[COOKIE];
    return cookie !== undefined && same(cookie, this.cookie());
  }

  /** The cookie's value: it shows nothing of the token, and is good as long as the token is. */
  cookie(): string {
    return this.#digest('cookie');
  }

  /** Makes an address of a stored picture good without a token, for clients that follow addresses by themselves. */
  signatureOf(key: string): string | undefined {
    return this.#token === undefined ? undefined : this.#digest(`result ${key}`);
  }

  /** Whether `signature` is that of the key. */
  isSignature(key: string, signature: string): boolean {
    return same(signature, this.signatureOf(key) ?? '');
  }

  /** The password of Basic is the token, whatever the name; or both are, with the colon between. */
  #isBasic(credentials: string): boolean {
    const password = credentials.slice(credentials.indexOf(':') + 1);
    const [whole, part] = [this.isToken(credentials), this.isToken(password)];
    return whole || part;
  }

  #digest(purpose: string): string {
    return createHmac('sha256', this.#token ?? '')
      .update(`thimble ${purpose}`)
      .digest('base64url');
  }
}

/** Of equal length, whatever was given. */
function same(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left as Buffer, right as Buffer);
}
