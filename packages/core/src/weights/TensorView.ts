import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger } from '../fields/checkNumber.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { FileRange } from '../device/FileRange.js';
import { checkView } from './checkView.js';

/**
 * The description of a stored tensor, and the only one: what it is called, how its elements are stored, where they lie. Plain data; enough to map or read it
 * without parsing the file again.
 */
export interface TensorView<Dtype extends string = string> extends FileRange {
  /** Its name in the file, such as `down_blocks.0.resnets.0.conv1.weight`; for messages. */
  readonly name: string;
  /** How its elements are stored: a `SafetensorsDtype`, or what another storage format calls itself. */
  readonly dtype: Dtype;
  /** Row-major dimensions; empty for a scalar. */
  readonly shape: readonly number[];
  /** Absolute path of the file with every symbolic link resolved, since ONNX Runtime maps only real files. */
  readonly file: string;
  /** Bytes from `offset` on. */
  readonly byteLength: number;
  /** Set where a matrix lies transposed: `shape` is [out, in], the file holds [in, of], and the rows of this view are its columns from `start` on. */
  readonly transposed?: { readonly start: number; readonly of: number };
  /** Set where the halves of the rows lie the other way round: the file holds the rows from the middle on first. Its parts are read so; in a graph only rows of one half can be used. */
  readonly swapped?: true;
  /** Set where elements are stored in blocks: the bytes of one. Between blocks alone can rows be cut. */
  readonly blockBytes?: number;
  /** For formats that keep their scales apart: those of the rows of this view, or a single one for all. */
  readonly scale?: TensorView;
}

/** Elements of one row, an index on the first axis. */
export function rowLength(view: Pick<TensorView, 'shape'>): number {
  checkMembers('view', view, 'what has a shape', ['shape']);
  return view.shape.slice(1).reduce((a, b) => a * b, 1);
}

/**
 * Some rows of a tensor (indices on the first axis), such as a third of a fused projection.
 *
 * @throws ERR_ARGUMENT_INVALID for rows that the tensor does not have, and for rows that do not begin and end on a byte, or a block
 */
export function sliceRows<View extends TensorView>(view: View, start: number, count: number): View {
  checkView(view);
  const [rows = 1, ...rest] = view.shape;
  if (start === 0 && count === rows) return view;
  checkInteger('start', start, 0);
  checkInteger('count', count, 1);
  if (start + count > rows) refuseOption('count', count, `rows out of the ${rows} of "${view.name}", from ${start} on`);
  const scale = view.scale === undefined ? {} : { scale: scaleOfRows(view.scale, start, count) };
  const shape = [count, ...rest];
  if (view.transposed !== undefined)
    return { ...view, ...scale, shape, transposed: { ...view.transposed, start: view.transposed.start + start } };
  const bytesPerRow = view.byteLength / rows;
  if (!hasWholeRows(view))
    refuseOption('view', view.dtype, `a type with rows of whole bytes or blocks: "${view.name}" cannot be cut`);
  const { swapped, ...plain } = view;
  const at = swapped === true ? startInFile(view, start, count) : start;
  return {
    ...(plain as View),
    ...scale,
    shape,
    offset: view.offset + at * bytesPerRow,
    byteLength: count * bytesPerRow,
  };
}

/** A scale for all rows is that of some of them too. */
function scaleOfRows(scale: TensorView, start: number, count: number): TensorView {
  return isSingle(scale) ? scale : sliceRows(scale, start, count);
}

function isSingle({ shape }: TensorView): boolean {
  return shape.every((size) => size === 1);
}

/** Where rows of one half begin in the file. */
function startInFile({ name, shape: [rows = 1] }: TensorView, start: number, count: number): number {
  const half = rows / 2;
  if (start < half && start + count > half)
    refuseOption('count', count, `rows of one half: those of "${name}" lie the other way round`);
  return start < half ? start + half : start - half;
}

/**
 * The same rows with their halves exchanged, as of a projection to shift and scale where another layout has scale and shift.
 *
 * @throws ERR_ARGUMENT_INVALID for an odd number of rows, rows that lie transposed or swapped already, or have a scale each
 */
export function swapHalves<View extends TensorView>(view: View): View {
  checkView(view);
  const isPlain = view.transposed === undefined && view.swapped === undefined;
  const isScaledByRows = view.scale !== undefined && !isSingle(view.scale);
  if (!isPlain || isScaledByRows || !hasWholeRows(view) || (view.shape[0] ?? 1) % 2 !== 0)
    refuseOption('view', view.name, 'an even number of rows that lie as they are, without scales of their own');
  return { ...view, swapped: true };
}

/** Whether each row of a tensor has bytes, or blocks, of its own. */
export function hasWholeRows({ shape: [rows = 1], byteLength, blockBytes = 1 }: TensorView): boolean {
  return Number.isInteger(byteLength / rows / blockBytes);
}

/**
 * The transpose of a matrix that lies in its file the other way round: [in, out] there, [out, in] here.
 *
 * @throws ERR_ARGUMENT_INVALID for what is no matrix, is transposed already, or has a scale for each row
 */
export function transposeView<View extends TensorView>(view: View): View {
  checkView(view);
  const [rows, columns, ...others] = view.shape;
  if (rows === undefined || columns === undefined || others.length > 0)
    refuseOption('view', view.shape, `the shape of a matrix: "${view.name}" cannot be transposed`);
  if (view.transposed !== undefined || view.scale !== undefined)
    refuseOption('view', view.name, 'a matrix that is no transpose already, and has no scales of its rows');
  return { ...view, shape: [columns, rows], transposed: { start: 0, of: columns } };
}

/**
 * All by which two views are told apart; `fileOf` names a file, by its path or by its contents.
 *
 * @returns plain data, for `JSON.stringify`
 */
export function identityOf(view: TensorView, fileOf: (file: string) => unknown): readonly unknown[] {
  const { name, dtype, shape, file, offset, transposed, scale, swapped } = view;
  const more =
    transposed === undefined && scale === undefined && swapped === undefined
      ? []
      : [transposed ?? null, scale === undefined ? null : identityOf(scale, fileOf), ...(swapped ? ['swapped'] : [])];
  return [name, dtype, shape, fileOf(file), offset, ...more];
}

/** The files that a view reads. */
export function filesOf(view: TensorView): readonly string[] {
  return view.scale === undefined ? [view.file] : [view.file, ...filesOf(view.scale)];
}
