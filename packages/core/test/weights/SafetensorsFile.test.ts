import { describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isThimbleError } from '../../src/errors.js';
import { readTensor } from '../../src/weights/files/readTensor.js';
import { bytesPerElement, safetensorsDtypes } from '../../src/weights/files/SafetensorsDtype.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();

async function fileOf(header: unknown, dataBytes: number, length?: number): Promise<string> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length ?? json.length));
  const path = join(await newFolder(), 'x.safetensors');
  await writeFile(path, Buffer.concat([size, json, Buffer.alloc(dataBytes)]));
  return path;
}

const f32 = (shape: readonly unknown[], ...offsets: readonly unknown[]): unknown => ({
  dtype: 'F32',
  shape,
  data_offsets: offsets,
});

async function failure(path: string): Promise<{ code: string; message: string }> {
  try {
    await SafetensorsFile.open(path);
  } catch (error) {
    if (isThimbleError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('was opened');
}

describe('SafetensorsFile.open', () => {
  test('says where each tensor lies, and reads nothing else', async () => {
    const path = await fileOf(
      { __metadata__: { format: 'pt' }, b: f32([2, 1], 4, 12), a: f32([], 0, 4), none: f32([3, 0], 4, 4) },
      12,
    );
    const file = await SafetensorsFile.open(path);
    const start = (await readFile(path)).length - 12;
    expect([...file.tensors.keys()]).toEqual(['a', 'none', 'b']);
    expect(file.tensor('b')).toEqual({
      name: 'b',
      dtype: 'F32',
      shape: [2, 1],
      file: path,
      offset: start + 4,
      byteLength: 8,
    });
    expect(file.tensor('a').shape).toEqual([]);
    expect(file.metadata).toEqual({ format: 'pt' });
  });

  test('resolves symbolic links, as those of the hub cache', async () => {
    const target = await fileOf({ a: f32([1], 0, 4) }, 4);
    const folder = await newFolder();
    await mkdir(join(folder, 'snapshots'));
    await symlink(target, join(folder, 'snapshots', 'model.safetensors'));
    const file = await SafetensorsFile.open(join(folder, 'snapshots', 'model.safetensors'));
    expect(file.path).toBe(target);
    expect(file.tensor('a').file).toBe(target);
  });

  test.each([
    ['a hole at the start', { a: f32([1], 4, 8) }, 8, '4 bytes before its data belong to no tensor'],
    ['overlap', { a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12, 'its data overlaps that of "a"'],
    ['two tensors in the same place', { a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4, 'overlaps'],
    ['reversed offsets', { a: f32([1], 4, 0) }, 4, 'its data_offsets [4, 0] are reversed'],
    ['a negative offset', { a: f32([1], -4, 0) }, 4, 'not two non-negative integers'],
    ['a third offset', { a: f32([1], 0, 4, 8) }, 8, 'not two non-negative integers'],
    ['a fraction', { a: f32([1.5], 0, 6) }, 6, 'its shape is not a list of non-negative integers'],
    ['a shape that overflows', { a: f32([2 ** 52, 2 ** 52, 2 ** 52], 0, 4) }, 4, 'takes'],
    ['data beyond the end', { a: f32([2], 0, 8) }, 4, 'which has only'],
    ['a length that contradicts the shape', { a: f32([3], 0, 8) }, 8, 'it has 8 bytes, but F32 [3] takes 12'],
    ['no dtype', { a: { shape: [1], data_offsets: [0, 4] } }, 4, 'it has no dtype'],
    ['an entry that is no object', { a: [1] }, 0, 'its entry in the header is not an object'],
  ])('refuses %s', async (_, header, dataBytes, problem) => {
    const { code, message } = await failure(await fileOf(header, dataBytes));
    expect(code).toBe('ERR_SAFETENSORS_TENSOR');
    expect(message).toContain(problem);
    expect(message).toMatch(/^Tensor "[ab]" in ".*x\.safetensors".*download it again/i);
  });

  test.each([
    ['a header longer than the file', '{}', 0, 100, 'its header would have 100 bytes, but the file has only 10'],
    ['a header longer than allowed', '{}', 0, 2 ** 40, 'more than the 100000000 allowed'],
    ['malformed JSON', '{"a": }', 0, undefined, 'not valid JSON at byte 14'],
    ['a list as header', '[]', 0, undefined, 'expected an object'],
    ['metadata that is not text', '{"__metadata__":{"a":1}}', 0, undefined, 'is not an object of strings'],
    ['bytes after the last tensor', '{}', 3, undefined, 'its last 3 bytes belong to no tensor'],
  ])('refuses %s', async (_, header, dataBytes, length, problem) => {
    const { code, message } = await failure(await fileOf(header, dataBytes, length));
    expect(code).toBe('ERR_SAFETENSORS_HEADER');
    expect(message).toContain(problem);
    expect(message).toContain('download it again');
  });

  const A = '"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
  const sized = (dtype: string, shape: string, end: string): string =>
    `{"a":{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[0,${end}]}}`;
  /** What safetensors 0.8.0 says of each: whether it opens the file. */
  test.each<[boolean, string, number]>([
    [true, `{"__metadata__":null,${A}}`, 4],
    [true, `{"__metadata__":{},${A}}`, 4],
    [false, '{"__metadata__":[]}', 0],
    [false, '{"__metadata__":{"a":null}}', 0],
    [false, '{"__metadata__":{},"__metadata__":{}}', 0],
    [true, '{"__metadata__":{"a":"1","a":"2"}}', 0],
    [true, ` {${A}}`, 4],
    [true, `\n\t{${A}}  `, 4],
    [false, `\u000b{${A}}`, 4],
    [false, `\ufeff{${A}}`, 4],
    [false, `{${A}}\0`, 4],
    [false, `{${A}}{}`, 4],
    [true, '{}', 0],
    [true, '{ }', 0],
    [true, `{${A},${A}}`, 4],
    [false, `{${A},${A.replace('[0,4]', '[4,8]')}}`, 8],
    [false, '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4],
    [true, `{${A.replace('}', ',"extra":[1.5,{"x":-2e9}]}')}}`, 4],
    [true, `{${A.replace('"a"', '""')}}`, 4],
    [false, `{${A.replace('"a"', String.raw`"\ud800"`)}}`, 4],
    [false, `{${A.replace('"a"', '"a\n"')}}`, 4],
    [false, sized('F32', '4.0', '16'), 16],
    [false, sized('F32', '4', '16.0'), 16],
    [false, sized('F32', '4e0', '16'), 16],
    [false, sized('F32', '-0', '0'), 0],
    [false, sized('F32', '18446744073709551616', '4'), 4],
    [false, '{"a":null}', 0],
    [false, '{"a":{"dtype":null,"shape":[1],"data_offsets":[0,4]}}', 4],
    [false, '{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4],
    [true, sized('C64', '2', '16'), 16],
    [true, sized('F8_E8M0', '16', '16'), 16],
    [true, sized('F8_E4M3FNUZ', '16', '16'), 16],
    [true, sized('F8_E5M2FNUZ', '16', '16'), 16],
    [true, sized('F6_E2M3', '4', '3'), 3],
    [true, sized('F6_E3M2', '2,2', '3'), 3],
    [true, sized('F4', '32', '16'), 16],
    [true, sized('F4', '0', '0'), 0],
    [false, sized('F4', '31', '16'), 16],
    [false, sized('F6_E2M3', '3', '3'), 3],
    [false, sized('C128', '1', '16'), 16],
    [false, sized('f32', '1', '4'), 4],
    [false, sized('constructor', '1', '4'), 4],
  ])('opens, as the reference: %j, the header %j', async (opens, header, dataBytes) => {
    const path = await fileOf(header, dataBytes);
    const code = await SafetensorsFile.open(path).then(
      () => undefined,
      (error: unknown) => (error as { code?: string }).code,
    );
    expect(code ?? 'opened').toMatch(opens ? /^opened$/ : /^ERR_(?:SAFETENSORS|DTYPE)/);
  });

  test('a tensor of a type that is not read has a place and its bytes, but no numbers', async () => {
    const file = await SafetensorsFile.open(await fileOf(sized('F4', '2,4', '4'), 4));
    expect(file.tensor('a')).toMatchObject({ dtype: 'F4', shape: [2, 4], byteLength: 4 });
    expect(await file.read('a')).toEqual(new Uint8Array(4));
    await expect(file.readFloat32('a')).rejects.toMatchObject({ code: 'ERR_DTYPE_UNSUPPORTED' });
  });

  test('refuses a file that is too short, an unknown dtype, a missing file and a folder, each with its code', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'short'), 'abc');
    expect((await failure(join(folder, 'short'))).message).toContain('it has 3 bytes, too few for a header');
    const unknown = await failure(await fileOf({ a: { dtype: 'U4', shape: [2], data_offsets: [0, 1] } }, 1));
    expect(unknown.code).toBe('ERR_DTYPE_UNSUPPORTED');
    expect(unknown.message).toContain('dtype "U4"');
    expect((await failure(join(folder, 'missing'))).code).toBe('ERR_FILE_NOT_FOUND');
    expect((await failure(folder)).code).toBe('ERR_FILE_ACCESS');
  });

  test('a pointer file of Git LFS in place of the weights is refused', async () => {
    const path = join(await newFolder(), 'x.safetensors');
    await writeFile(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n');
    expect((await failure(path)).code).toBe('ERR_SAFETENSORS_HEADER');
  });
});

describe('reading', () => {
  test('a tensor that is not there is named', async () => {
    const file = await SafetensorsFile.open(await fileOf({ a: f32([1], 0, 4) }, 4));
    await expect(file.read('b')).rejects.toMatchObject({
      code: 'ERR_TENSOR_NOT_FOUND',
      details: { tensor: 'b', count: 1 },
    });
  });

  test('a file that was cut off after it was opened is an error, not zeros', async () => {
    const path = await fileOf({ a: f32([4], 0, 16) }, 16);
    const file = await SafetensorsFile.open(path);
    await truncate(path, file.tensor('a').offset + 5);
    await expect(readTensor(file.tensor('a'))).rejects.toMatchObject({
      code: 'ERR_SAFETENSORS_TENSOR',
      message: expect.stringContaining('its data ends after 5 of 16 bytes'),
    });
  });
});

describe('writeSafetensors', () => {
  const values = [0, 1, 2, 100] as const;
  const data = {
    F64: new Float64Array(values),
    F32: new Float32Array(values),
    F16: new Uint16Array([0, 0x3c00, 0x4000, 0x5640]),
    BF16: new Uint16Array([0, 0x3f80, 0x4000, 0x42c8]),
    F8_E4M3: new Uint8Array([0, 0x38, 0x40, 0x6c]),
    F8_E5M2: new Uint8Array([0, 0x3c, 0x40, 0x56]),
    I64: new BigInt64Array(values.map(BigInt)),
    U64: new BigUint64Array(values.map(BigInt)),
    I32: new Int32Array(values),
    U32: new Uint32Array(values),
    I16: new Int16Array(values),
    U16: new Uint16Array(values),
    I8: new Int8Array(values),
    U8: new Uint8Array(values),
    BOOL: new Uint8Array([0, 1, 1, 1]),
  };

  test.each(safetensorsDtypes)('%s is read back', async (dtype) => {
    const path = join(await newFolder(), 'x.safetensors');
    const { buffer } = data[dtype];
    await writeSafetensors(path, {
      before: { dtype: 'U8', shape: [3], data: new Uint8Array(3) },
      x: { dtype, shape: [2, 2], data: new Uint8Array(buffer) },
    });
    const file = await SafetensorsFile.open(path);
    expect(await file.read('x')).toEqual(new Uint8Array(buffer));
    expect(file.tensor('x').offset % bytesPerElement(dtype)).toBe(0);
    const last = { BOOL: 1, F8_E4M3: 96, F8_E5M2: 96 }[dtype as string] ?? 100;
    expect([...(await file.readFloat32('x'))]).toEqual([0, 1, dtype === 'BOOL' ? 1 : 2, last]);
  });

  test('asks for data one tensor at a time, and keeps metadata', async () => {
    const path = join(await newFolder(), 'x.safetensors');
    const asked: string[] = [];
    const lazy = (name: string) => ({
      dtype: 'U8' as const,
      shape: [1],
      data: async () => Uint8Array.of(asked.push(name)),
    });
    await writeSafetensors(
      path,
      new Map([
        ['b', lazy('b')],
        ['a', lazy('a')],
      ]),
      { format: 'pt' },
    );
    const file = await SafetensorsFile.open(path);
    expect(asked).toEqual(['a', 'b']);
    expect(await file.read('b')).toEqual(Uint8Array.of(2));
    expect(file.metadata).toEqual({ format: 'pt' });
    expect((await readFile(path)).readUInt32LE() % 8).toBe(0);
  });

  test('writes every type of the format, and no other', async () => {
    const path = join(await newFolder(), 'x.safetensors');
    await writeSafetensors(path, { a: { dtype: 'F4', shape: [4], data: Uint8Array.of(1, 2) } });
    expect(await (await SafetensorsFile.open(path)).read('a')).toEqual(Uint8Array.of(1, 2));
    await expect(
      writeSafetensors(path, { a: { dtype: 'F5', shape: [1], data: new Uint8Array(1) } }),
    ).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'dtype' },
    });
  });

  test('leaves the old file and no other when it fails', async () => {
    const folder = await newFolder();
    const path = join(folder, 'x.safetensors');
    await writeFile(path, 'old');
    const broken = { a: { dtype: 'F32' as const, shape: [2], data: new Uint8Array(4) } };
    await expect(writeSafetensors(path, broken)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    const throwing = {
      a: {
        dtype: 'U8' as const,
        shape: [1],
        data: () => {
          throw new RangeError('mine');
        },
      },
    };
    await expect(writeSafetensors(path, throwing)).rejects.toThrow('mine');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['x.safetensors']);
  });

  test('says that a folder is missing, or that the path leads through a file', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(writeSafetensors(join(folder, 'no', 'x'), {})).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    await expect(writeSafetensors(join(folder, 'file', 'x'), {})).rejects.toMatchObject({
      code: 'ERR_FILE_ACCESS',
      details: { operation: 'write' },
    });
  });
});
