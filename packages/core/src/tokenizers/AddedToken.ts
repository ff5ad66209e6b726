/** A token that is recognised in a prompt as a whole, before anything else is done with the text. */
export interface AddedToken {
  readonly content: string;
  /** Whether {@link DecodeOptions.skipSpecialTokens} leaves it out. */
  readonly special: boolean;
  /** Recognised after the text is normalised, so in capitals too. */
  readonly normalized: boolean;
  /** Takes the white space before it. */
  readonly lstrip: boolean;
  /** Takes the white space after it. */
  readonly rstrip: boolean;
  /** Only recognised between characters that are in no word. */
  readonly single_word: boolean;
}

/** In characters. Added tokens are looked for by one regular expression, and engines have a limit for those. */
export const LONGEST_ADDED_TOKEN = 1000;

type Flag = Exclude<keyof AddedToken, 'content'>;

/**
 * Makes an {@link AddedToken} of what a tokenizer's JSON has for one: its text, or an object with flags.
 *
 * @param defaults the flags that hold where the JSON says nothing
 * @returns undefined if the JSON is neither, and for a text that is too long
 */
export function readAddedToken(json: unknown, defaults: Partial<Record<Flag, boolean>> = {}): AddedToken | undefined {
  const given = typeof json === 'string' ? { content: json } : json;
  if (typeof given !== 'object' || given === null) return undefined;
  const fields = given as Readonly<Record<string, unknown>>;
  const { content } = fields;
  if (typeof content !== 'string' || content === '' || content.length > LONGEST_ADDED_TOKEN) return undefined;
  const flag = (name: Flag): boolean => {
    const value = fields[name];
    return typeof value === 'boolean' ? value : (defaults[name] ?? false);
  };
  return {
    content,
    special: flag('special'),
    normalized: flag('normalized'),
    lstrip: flag('lstrip'),
    rstrip: flag('rstrip'),
    single_word: flag('single_word'),
  };
}
