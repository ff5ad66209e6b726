import { ThimbleError } from '../../errors.js';
import { isJsonObject } from '../../disk/readJsonFile.js';
import type { JsonObject } from '../../disk/readJsonFile.js';
import { bitsPerElement, safetensorsDtypes } from './SafetensorsDtype.js';
import { parsePlainJson } from '../../disk/parsePlainJson.js';
import { scanJson } from '../../disk/scanJson.js';
import type { TensorView } from '../TensorView.js';

/** What the header of a safetensors file says, checked. */
export interface SafetensorsHeader {
  /** By name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** The header's `__metadata__`, such as `{ format: 'pt' }`. */
  readonly metadata: Readonly<Record<string, string>>;
}

const METADATA = '__metadata__';

/**
 * Parses the JSON header of a safetensors file and checks it against the file's size by the rules of the reference implementation, safetensors 0.8.0 in Rust: the tensors
 * have to cover the data without overlaps and without holes; sizes are written as integers; of a name that is there twice the last counts.
 *
 * @param json the header as it is in the file, without its 8-byte length
 * @param where the real path of the file, where its data begins and where it ends, in bytes
 * @throws `ERR_SAFETENSORS_HEADER`, `ERR_SAFETENSORS_TENSOR`, `ERR_DTYPE_UNSUPPORTED`
 */
export function parseSafetensorsHeader(
  json: Uint8Array,
  where: { readonly file: string; readonly dataStart: number; readonly fileSize: number },
): SafetensorsHeader {
  const header = parseObject(json, where.file);
  const infos = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => parseTensor(name, entry, where))
    .toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  checkCoverage(infos, where);
  return {
    tensors: new Map(infos.map((info) => [info.name, info])),
    metadata: parseMetadata(header[METADATA], where.file),
  };
}

function parseObject(json: Uint8Array, file: string): JsonObject {
  const text = decodeText(json, file);
  const plain = parsePlainJson(text);
  if (plain !== undefined) return plain;
  const pieces: string[] = [];
  let done = 0;
  const fault = scanJson(text, {
    mayRepeat: ([name, ...inner]) => (name === METADATA ? inner.length === 1 : inner.length === 0),
    onNumber: (start, end) => {
      if (/^\d+$/.test(text.slice(start, end))) return;
      // JavaScript does not tell 4.0 from 4 once it is parsed.
      pieces.push(text.slice(done, start), 'null');
      done = end;
    },
  });
  const problem = fault ?? (/^\s*\{/.test(text) ? undefined : { offset: 0, problem: 'expected an object' });
  if (problem === undefined) return JSON.parse(pieces.join('') + text.slice(done)) as JsonObject;
  throw new ThimbleError('ERR_SAFETENSORS_HEADER', {
    file,
    problem: `its header is not valid JSON at byte ${8 + problem.offset}: ${problem.problem}`,
  });
}

function decodeText(json: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch (error) {
    throw new ThimbleError(
      'ERR_SAFETENSORS_HEADER',
      { file, problem: 'its header is not UTF-8 text' },
      { cause: error },
    );
  }
}

function parseMetadata(value: unknown, file: string): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (isJsonObject(value) && Object.values(value).every((entry) => typeof entry === 'string'))
    return value as Record<string, string>;
  throw new ThimbleError('ERR_SAFETENSORS_HEADER', { file, problem: `"${METADATA}" is not an object of strings` });
}

function parseTensor(
  name: string,
  entry: unknown,
  where: { file: string; dataStart: number; fileSize: number },
): TensorView {
  const { file, dataStart, fileSize } = where;
  const fail = (problem: string): never => {
    throw new ThimbleError('ERR_SAFETENSORS_TENSOR', { file, tensor: name, problem });
  };
  if (/\p{Surrogate}/u.test(name)) return fail('its name is not a Unicode text');
  if (!isJsonObject(entry)) return fail('its entry in the header is not an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') return fail('it has no dtype');
  const bits = bitsPerElement(dtype);
  if (bits === undefined)
    throw new ThimbleError('ERR_DTYPE_UNSUPPORTED', {
      file,
      tensor: name,
      dtype,
      supported: safetensorsDtypes.join(', '),
    });
  if (!isSizes(shape)) return fail('its shape is not a list of non-negative integers');
  if (!isSizes(offsets) || offsets.length !== 2) return fail('its data_offsets are not two non-negative integers');
  const [begin, end] = offsets as [number, number];
  if (end < begin) return fail(`its data_offsets [${begin}, ${end}] are reversed`);
  if (dataStart + end > fileSize) {
    return fail(`its data ends at byte ${dataStart + end} of the file, which has only ${fileSize} bytes`);
  }
  const expected = shape.reduce((product, size) => product * size, bits) / 8;
  if (end - begin !== expected) {
    return fail(`it has ${end - begin} bytes, but ${dtype} [${shape.join(', ')}] takes ${expected}`);
  }
  return { name, dtype, shape, file, offset: dataStart + begin, byteLength: end - begin };
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkCoverage(
  infos: readonly TensorView[],
  where: { file: string; dataStart: number; fileSize: number },
): void {
  let end = where.dataStart;
  let previous = '';
  for (const { name, file, offset, byteLength } of infos) {
    if (offset < end) {
      throw new ThimbleError('ERR_SAFETENSORS_TENSOR', {
        file,
        tensor: name,
        problem: `its data overlaps that of "${previous}"`,
      });
    }
    if (offset > end) {
      throw new ThimbleError('ERR_SAFETENSORS_TENSOR', {
        file,
        tensor: name,
        problem: `${offset - end} bytes before its data belong to no tensor`,
      });
    }
    end = offset + byteLength;
    previous = name;
  }
  if (end === where.fileSize) return;
  throw new ThimbleError('ERR_SAFETENSORS_HEADER', {
    file: where.file,
    problem: `its last ${where.fileSize - end} bytes belong to no tensor`,
  });
}
