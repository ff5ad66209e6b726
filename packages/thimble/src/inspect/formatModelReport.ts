import { basename } from 'node:path';
import { formatBytes, formatCount } from '../progress/quantities.js';
import { formatTable } from './formatTable.js';
import type { Int8Report } from './inspectInt8.js';
import type { ComponentReport, DefaultsReport, ModelReport } from './ModelReport.js';

/** A model's report for people: a table of the components, and the segments of each if asked for. */
export function formatModelReport(report: ModelReport, { segments }: { readonly segments: boolean }): string {
  const { className, scheduler, tokenizer, defaults, folder } = report;
  const facts = [
    `model      ${folder}`,
    `class      ${className}`,
    ...(scheduler === undefined ? [] : [`scheduler  ${scheduler}`]),
    ...(tokenizer === undefined ? [] : [`tokenizer  ${tokenizer}`]),
    ...(defaults === undefined ? [] : [runLine(defaults)]),
  ];
  return [facts.join('\n'), componentTable(report), ...(segments ? report.components.map(segmentTable) : [])].join(
    '\n\n',
  );
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
    filesOf(component),
  ]);
  const header = ['COMPONENT', 'CLASS', 'PARAMETERS', 'TYPE', 'SEGMENTS', 'SIZE', 'FILES'];
  return formatTable(
    [header, ...rows, ['total', '', formatCount(parameters), '', '', formatBytes(bytes), '']],
    [2, 4, 5],
  );
}

function segmentTable({ name, segments }: ComponentReport): string {
  return formatTable(
    [[`SEGMENTS OF ${name}`, 'SIZE'], ...segments.map((segment) => [segment.name, formatBytes(segment.bytes)])],
    [1],
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
        [
          [`${component} IN INT8, PART BY PART`, 'SIGNAL TO ERROR'],
          ...parts.map(({ name, decibels }) => [
            name,
            Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB` : 'none',
          ]),
        ],
        [1],
      ),
    )
    .join('\n\n');
}
