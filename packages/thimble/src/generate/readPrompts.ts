import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { CliError } from '../CliError.js';
import { usage } from '../usage.js';
import { systemReason } from '../systemReason.js';

/** More than any prompts take: whoever gives more gave the wrong file. */
const MOST_BYTES = 2 ** 20;
const STANDARD_INPUT = '-';

/** The prompts of a run, and what is to be said of how they were read. */
export interface GivenPrompts {
  readonly prompts: readonly string[];
  readonly notice?: string;
}

/**
 * Reads what a run is to show: the arguments, which are one prompt however many they are, and `-` the standard input; or `--prompt-file`, with a prompt on each
 * line.
 *
 * @throws ERR_USAGE where there is none, or both; ERR_PROMPT_UNREADABLE; the signal's reason
 */
export async function readPrompts(
  words: readonly string[],
  promptFile: string | undefined,
  signal: AbortSignal,
): Promise<GivenPrompts> {
  if (promptFile !== undefined) {
    if (words.length > 0) usage('a prompt or --prompt-file, not both');
    const lines = (await readText(promptFile, signal)).split(/\r\n|[\n\r]/).map((line) => line.trim());
    const prompts = lines.filter((line) => line !== '');
    if (prompts.length === 0) usage(`--prompt-file ${promptFile}: it has no line with a prompt`);
    return { prompts };
  }
  if (words.length === 0)
    usage('missing the prompt: put it in quotes, or give --prompt-file, or - for the standard input');
  if (words.length === 1 && words[0] === STANDARD_INPUT) {
    const prompt = (await readText(STANDARD_INPUT, signal)).trim().replaceAll(/\s*[\n\r]\s*/g, ' ');
    if (prompt === '') usage('the standard input has no prompt');
    return { prompts: [prompt] };
  }
  const prompt = words.join(' ');
  if (words.length === 1) return { prompts: [prompt] };
  const notice = `${words.length} arguments were read as one prompt, "${prompt}"; put it in quotes, or give several prompts by --prompt-file.`;
  return { prompts: [prompt], notice };
}

async function readText(path: string, signal: AbortSignal): Promise<string> {
  const isInput = path === STANDARD_INPUT;
  const stream: Readable = isInput ? process.stdin : createReadStream(path);
  addAbortSignal(signal, stream);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk as Buffer);
      length += bytes.length;
      if (length > MOST_BYTES) throw new RangeError(`it has more than ${MOST_BYTES / 2 ** 20} MiB`);
      chunks.push(bytes);
    }
  } catch (error) {
    signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : systemReason(error);
    throw new CliError(
      'ERR_PROMPT_UNREADABLE',
      { from: isInput ? 'the standard input' : `"${path}"`, reason },
      { cause: error },
    );
  } finally {
    stream.destroy();
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}
