import { basename } from 'node:path';
import { formatBytes, formatCount } from '../progress/quantities.js';
import { formatTable } from './formatTable.js';
import { formatNeeds } from './formatNeeds.js';
import type { Int8Report } from './inspectInt8.js';
import type { ComponentReport, DefaultsReport, ModelReport } from './ModelReport.js';

const COMPONENT_COLUMNS = [
  { title: 'COMPONENT' },
  { title: 'CLASS', wraps: true },
  { title: 'PARAMETERS', right: true },
  { title: 'TYPE' },
  { title: 'SEGMENTS', right: true },
  { title: 'SIZE', right: true },
];

/** A model's report for people: tables of the components and their files, and the segments of each if asked for. */
export function formatModelReport(report: ModelReport, { segments }: { readonly segments: boolean }): string {
  const { className, scheduler, tokenizer, defaults, folder } = report;
  const facts = [
    `model      ${folder}`,
    `class      ${className}`,
    ...(scheduler === undefined ? [] : [`scheduler  ${scheduler}`]),
    ...(tokenizer === undefined ? [] : [`tokenizer  ${tokenizer}`]),
    ...(defaults === undefined ? [] : [runLine(defaults)]),
  ];
  const tables = [
    componentTable(report),
    ...(report.needs === undefined ? [] : [formatNeeds(report.needs)]),
    fileTable(report),
    ...report.components.flatMap(linearTables),
    ...convolutionTables(report),
    ...unusedTables(report),
    ...(segments ? report.components.map(segmentTable) : []),
  ];
  return [facts.join('\n'), ...tables].join('\n\n');
}

/** `picture    1024×1024, 50 steps, guidance 5`, or `picture    512×512, 1 step, guidance 0: preset for sd-turbo` */
function runLine({ width, height, numFrames, numInferenceSteps, guidanceScale, preset }: DefaultsReport): string {
  const steps = `${numInferenceSteps} ${numInferenceSteps === 1 ? 'step' : 'steps'}`;
  const parts = [`${width}×${height}`, steps, `guidance ${guidanceScale}`].join(', ');
  const line = `${parts}${preset === undefined ? '' : `: preset for ${preset}`}`;
  return numFrames === undefined ? `picture    ${line}` : `video      ${numFrames} frames of ${line}`;
}

function componentTable({ components, parameters, bytes }: ModelReport): string {
  const rows = components.map((component) => [
    component.name,
    `${component.className}${component.supported ? '' : ' (not supported)'}`,
    formatCount(component.parameters),
    Object.keys(component.dtypes).join(', '),
    String(component.segments.length),
    formatBytes(component.bytes),
  ]);
  const total = ['total', '', formatCount(parameters), '', '', formatBytes(bytes)];
  return formatTable(COMPONENT_COLUMNS, [...rows, total]);
}

function fileTable({ components }: ModelReport): string {
  const columns = [{ title: 'COMPONENT' }, { title: 'FILES', wraps: true }];
  return formatTable(
    columns,
    components.map((component) => [component.name, filesOf(component)]),
  );
}

/** Which ways linear layers with weights in blocks can take. */
function linearTables({ name, linears = [] }: ComponentReport): readonly string[] {
  if (linears.length === 0) return [];
  const columns = [
    { title: `LINEAR LAYERS OF ${name}` },
    { title: 'LAYERS', right: true },
    { title: 'SIZE', right: true },
    { title: 'COMPUTE TYPES', wraps: true },
  ];
  const rows = linears.map(({ dtype, layers, bytes, computeTypes }) => [
    dtype,
    String(layers),
    formatBytes(bytes),
    computeTypes.join(', '),
  ]);
  return [formatTable(columns, rows)];
}

/** How convolutions are computed on this machine. */
function convolutionTables({ components }: ModelReport): readonly string[] {
  const rows = components.flatMap(({ name, convolutions = {} }) =>
    Object.entries(convolutions).map(([entry, { fours, twos, direct }]) => [
      `${name}.${entry}`,
      ...[fours, twos, direct].map(String),
    ]),
  );
  if (rows.length === 0) return [];
  const columns = [
    { title: 'CONVOLUTIONS OF' },
    { title: 'WINOGRAD 4×4', right: true },
    { title: 'WINOGRAD 2×2', right: true },
    { title: 'DIRECT', right: true },
  ];
  return [formatTable(columns, rows)];
}

/** Tensors of a file that belong to no component, by what their names begin with. */
function unusedTables({ unused = [] }: ModelReport): readonly string[] {
  if (unused.length === 0) return [];
  const groups = new Map<string, number>();
  for (const key of unused) {
    const group = key.split('.')[0] as string;
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  const columns = [{ title: 'NOT USED', wraps: true }, { title: 'TENSORS' }];
  return [
    formatTable(
      columns,
      Array.from(groups, ([group, count]) => [group, String(count)]),
    ),
  ];
}

function segmentTable({ name, segments }: ComponentReport): string {
  const columns = [{ title: `SEGMENTS OF ${name}` }, { title: 'SIZE', right: true }];
  return formatTable(
    columns,
    segments.map((segment) => [segment.name, formatBytes(segment.bytes)]),
  );
}

function filesOf({ files }: ComponentReport): string {
  const [first] = files;
  return first === undefined || files.length > 1 ? `${files.length} files` : basename(first.path);
}

/** For people: the parts of each component, the most sensitive first. */
export function formatInt8Report(reports: readonly Int8Report[]): string {
  return reports
    .map(({ component, parts }) =>
      formatTable(
        [{ title: `${component} IN INT8, PART BY PART` }, { title: 'SIGNAL TO ERROR', right: true }],
        parts.map(({ name, decibels }) => [name, Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB` : 'none']),
      ),
    )
    .join('\n\n');
}
