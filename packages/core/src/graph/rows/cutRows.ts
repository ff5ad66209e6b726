import { checkMembers } from '../../fields/checkMembers.js';
import { Emitter } from '../Emitter.js';
import { type Attribute, Graph, type GraphConstant, type GraphNode, type GraphPort } from '../Graph.js';
import type { GroupNormSite } from './GroupNormSite.js';
import { convolvedRows, intsOf, type RowGraph } from './RowGraph.js';
import { hullOf, type Rows } from './RowLayout.js';

/** Element types that values are kept in between phases. */
export type StoredType = 'float32' | 'float16';

/** Which part of a graph to cut out. */
export interface CutOptions {
  readonly name: string;
  /** Values to compute, all with the same rows. */
  readonly outputs: readonly string[];
  readonly rows: Rows;
  /** Values that are given, not computed. */
  readonly given: ReadonlySet<string>;
  /** How given and computed values are kept; float32 unless it says otherwise. */
  readonly typeOf?: ((value: string) => StoredType) | undefined;
  /** Values of `outputs` whose statistics are wanted, with their number of groups: outputs `<value>/mean` and `<value>/m2`, [1, groups, 1, 1]. */
  readonly measured?: ReadonlyMap<string, number> | undefined;
}

/** A part of a graph over some rows. */
export interface Cut {
  readonly graph: Graph;
  /** What it reads: value → rows. Its inputs are called as the values. */
  readonly reads: ReadonlyMap<string, Rows>;
  /** Normalisations in it: each takes `<output>/mean` and `<output>/deviation`, [1, c, 1, 1], the latter as 1 / sqrt(variance + epsilon). */
  readonly norms: readonly GroupNormSite[];
}

const ONNX_FLOAT = { float32: 1, float16: 10 } as const;

/**
 * Cuts out of a graph what computes some rows of some values. Convolutions pad at the borders of the picture alone; inside, the rows beside
 * the ones asked for are read too. Normalisations take the statistics of the whole picture as inputs.
 */
export function cutRows(model: RowGraph, options: CutOptions): Cut {
  checkMembers('model', model, 'a RowGraph', ['graph', 'normOf']);
  checkMembers('options', options, '{ outputs, rows, given }', ['outputs', 'rows', 'given']);
  const needed = neededRows(model, options);
  const emit = new RowEmitter(model, options, needed);
  for (const node of model.graph.nodes) emit.node(node);
  return emit.finish();
}

/** Backwards from the outputs: the rows of every value that has a part in them. */
function neededRows(model: RowGraph, { outputs, rows, given }: CutOptions): ReadonlyMap<string, Rows> {
  const needed = new Map<string, Rows>(outputs.map((name) => [name, rows]));
  const computed = (name: string): boolean => needed.has(name) && (outputs.includes(name) || !given.has(name));
  for (const node of model.graph.nodes.toReversed()) {
    const output = node.outputs[0] as string;
    if (!computed(output)) continue;
    const wanted = needed.get(output) as Rows;
    const site = model.normOf(node);
    if (site !== undefined) {
      needed.set(site.input, hullOf(needed.get(site.input), wanted));
      continue;
    }
    for (const [i, name] of node.inputs.entries()) {
      const part = model.neededRows(node, i, wanted);
      if (part !== undefined) needed.set(name, hullOf(needed.get(name), part));
    }
  }
  return needed;
}

/** Puts the nodes of a part together. */
class RowEmitter {
  readonly #model: RowGraph;
  readonly #options: CutOptions;
  readonly #needed: ReadonlyMap<string, Rows>;
  readonly #emit = new Emitter('rows');
  readonly #made = new Map<string, Rows>();
  readonly #inputs: GraphPort[] = [];
  readonly #reads = new Map<string, Rows>();
  readonly #norms: GroupNormSite[] = [];
  readonly #shapes = new Map<string, readonly number[]>();

  constructor(model: RowGraph, options: CutOptions, needed: ReadonlyMap<string, Rows>) {
    this.#model = model;
    this.#options = options;
    this.#needed = needed;
    for (const [name, rows] of needed)
      if (options.given.has(name) && !options.outputs.includes(name)) this.#read(name, rows);
  }

  /** Takes a node in if the part needs it. */
  node(node: GraphNode): void {
    const output = node.outputs[0] as string;
    const rows = this.#needed.get(output);
    if (rows === undefined || this.#made.has(output)) return;
    const site = this.#model.normOf(node);
    if (site !== undefined) this.#normalise(site, rows);
    else this.#copy(node, rows);
  }

  finish(): Cut {
    const { name, outputs, measured, typeOf } = this.#options;
    const ports = outputs.flatMap((value) => {
      const groups = measured?.get(value);
      return [
        this.#write(value, typeOf?.(value) ?? 'float32'),
        ...(groups === undefined ? [] : this.#measure(value, groups)),
      ];
    });
    const { nodes, constants } = this.#emit;
    const used = new Set(nodes.flatMap((node) => node.inputs));
    const { graph } = this.#model;
    const parts = {
      name,
      nodes,
      inputs: this.#inputs,
      outputs: ports,
      shapes: this.#shapes,
      constants: [...graph.constants, ...constants].filter((constant) => used.has(constant.name)),
      weights: graph.weights.filter((weight) => used.has(weight.name)),
    };
    for (const fixed of [...parts.constants, ...parts.weights]) this.#shapes.set(fixed.name, fixed.dims);
    return { graph: new Graph(parts), reads: this.#reads, norms: this.#norms };
  }

  #read(name: string, rows: Rows): void {
    const shape = this.#model.shapeOf(name, rows);
    const type = this.#options.typeOf?.(name) ?? 'float32';
    const port = type === 'float32' ? name : `${name}/${type}`;
    this.#inputs.push({ name: port, type, rank: shape.length });
    this.#shapes.set(port, shape);
    if (port !== name) this.#add('Cast', [port], name, shape, { to: { int: ONNX_FLOAT.float32 } });
    this.#shapes.set(name, shape);
    this.#reads.set(name, rows);
    this.#made.set(name, rows);
  }

  #write(value: string, type: StoredType): GraphPort {
    const shape = this.#shapes.get(value) as readonly number[];
    const name = `${value}/out`;
    if (type === 'float32') this.#add('Identity', [value], name, shape);
    else this.#add('Cast', [value], name, shape, { to: { int: ONNX_FLOAT[type] } });
    return { name, type, rank: shape.length };
  }

  /** Mean, and sum of squared distances from it, of each group of channels; row by row first, because long sums of float32 lose digits. */
  #measure(value: string, groups: number): GraphPort[] {
    const shape = this.#shapes.get(value) as readonly number[];
    const width = shape[3] as number;
    const lines = shape.reduce((a, b) => a * b, 1) / groups / width;
    const grouped = this.#add(
      'Reshape',
      [value, this.#constant('int64', [4], [1, groups, -1, width])],
      `${value}/groups`,
      [1, groups, lines, width],
    );
    const mean = this.#reduce(
      'ReduceMean',
      this.#reduce('ReduceMean', grouped, 3, `${value}/line-means`),
      2,
      `${value}/mean`,
    );
    const distance = this.#add('Sub', [grouped, mean], `${value}/distance`, [1, groups, lines, width]);
    const m2 = this.#reduce(
      'ReduceSum',
      this.#reduce('ReduceSumSquare', distance, 3, `${value}/line-m2`),
      2,
      `${value}/m2`,
    );
    return [mean, m2].map((name) => ({ name, type: 'float32', rank: 4 }));
  }

  #reduce(op: string, value: string, axis: number, output: string): string {
    const shape = (this.#shapes.get(value) as readonly number[]).map((size, i) => (i === axis ? 1 : size));
    return this.#add(op, [value, this.#constant('int64', [1], [axis])], output, shape, { keepdims: { int: 1 } });
  }

  /** x · scale + shift, where both follow from the statistics, gain and bias. */
  #normalise(site: GroupNormSite, rows: Rows): void {
    const { output, gain, bias, channels } = site;
    const perChannel = [1, channels, 1, 1];
    for (const name of [`${output}/mean`, `${output}/deviation`]) {
      this.#inputs.push({ name, type: 'float32', rank: 4 });
      this.#shapes.set(name, perChannel);
    }
    const scale = this.#add('Mul', [`${output}/deviation`, gain], `${output}/scale`, perChannel);
    const offset = this.#add('Mul', [`${output}/mean`, scale], `${output}/offset`, perChannel);
    const shift = this.#add('Sub', [bias, offset], `${output}/shift`, perChannel);
    const x = this.#rowsOf(site.input, rows);
    const shape = this.#model.shapeOf(output, rows);
    const scaled = this.#add('Mul', [x, scale], `${output}/scaled`, shape);
    this.#add('Add', [scaled, shift], output, shape);
    this.#made.set(output, rows);
    this.#norms.push(site);
  }

  #copy(node: GraphNode, rows: Rows): void {
    const output = node.outputs[0] as string;
    const inputs = node.inputs.map((name, i) => {
      const needed = this.#model.neededRows(node, i, rows);
      return needed === undefined ? name : this.#rowsOf(name, needed);
    });
    const made = this.#model.madeRows(node, rows);
    const shape = this.#model.shapeOf(output, made);
    if (node.op === 'Reshape') inputs[1] = this.#reshapeTo(node, shape);
    this.#add(
      node.op,
      inputs,
      output,
      shape,
      node.op === 'Conv' ? this.#padded(node, rows) : node.attributes,
      node.domain,
    );
    this.#made.set(output, made);
  }

  /** The part of a value that holds these rows; cut where more of them are there. */
  #rowsOf(value: string, rows: Rows): string {
    const made = this.#made.get(value) as Rows;
    if (made.start === rows.start && made.count === rows.count) return value;
    const { axis, unit } = this.#model.layoutOf(value) as { axis: number; unit: number };
    const from = rows.start - made.start;
    const name = `${value}/rows.${from}.${rows.count}`;
    if (this.#shapes.has(name)) return name;
    const [start, end, axes] = [from * unit, (from + rows.count) * unit, axis].map((at) =>
      this.#constant('int64', [1], [at]),
    ) as [string, string, string];
    return this.#add('Slice', [value, start, end, axes], name, this.#model.shapeOf(value, rows));
  }

  /** Padding above and below, as far as the rows that are read reach over the border. */
  #padded(node: GraphNode, rows: Rows): Readonly<Record<string, Attribute>> {
    const { start, count } = convolvedRows(node, rows);
    const height = this.#model.heightOf(node.inputs[0] as string);
    const [, left = 0, , right = 0] = intsOf(node, 'pads');
    return {
      ...node.attributes,
      pads: { ints: [Math.max(0, -start), left, Math.max(0, start + count - height), right] },
    };
  }

  /** A reshape's target with these rows, where it names their number. */
  #reshapeTo(node: GraphNode, shape: readonly number[]): string {
    const name = node.inputs[1] as string;
    const { data } = this.#model.graph.constants.find((constant) => constant.name === name) as GraphConstant;
    const { axis } = this.#model.layoutOf(node.outputs[0] as string) as { axis: number };
    if ((data[axis] as number) <= 0) return name;
    return this.#constant(
      'int64',
      [data.length],
      data.map((size, i) => (i === axis ? (shape[axis] as number) : size)),
    );
  }

  #constant(type: GraphConstant['type'], dims: readonly number[], data: readonly number[]): string {
    return this.#emit.constant(type, dims, data);
  }

  #add(
    op: string,
    inputs: readonly string[],
    output: string,
    shape: readonly number[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = '',
  ): string {
    this.#emit.last(op, inputs, output, { ...attributes }, domain);
    this.#shapes.set(output, shape);
    return output;
  }
}
