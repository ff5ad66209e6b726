/** What a picture tells of how it was made. */
export interface Parameters {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** The rest, by the names that other tools have for them: Steps, Seed, Size, … */
  readonly settings: ReadonlyMap<string, string>;
}

const NEGATIVE = 'Negative prompt: ';
const SETTING = /([A-Za-z][\w .+-]*): ("(?:\\.|[^"\\])*"|[^,]*)(?:, |,?$)/gy;

/** Reads the text `parameters` of a picture, in the form that AUTOMATIC1111's web UI began: the prompt, the negative prompt, a line of settings. */
export function parseParameters(text: string): Parameters {
  const lines = text.split('\n');
  const last = lines.at(-1) ?? '';
  const settings = new Map<string, string>();
  if (/^Steps: \d/.test(last)) {
    lines.pop();
    for (const [, name, value] of last.matchAll(SETTING)) settings.set(name as string, unquoted(value as string));
  }
  const negative = lines.findIndex((line) => line.startsWith(NEGATIVE));
  const prompt = negative < 0 ? lines : lines.slice(0, negative);
  const other = negative < 0 ? [] : lines.slice(negative);
  return { prompt: prompt.join('\n'), negativePrompt: other.join('\n').slice(NEGATIVE.length), settings };
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
