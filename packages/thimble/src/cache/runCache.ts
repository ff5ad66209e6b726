import { formatTable } from '../inspect/formatTable.js';
import { formatBytes } from '../progress/quantities.js';
import { print } from '../standardOutput.js';
import { reportCache, SHORT_KEY } from './CacheReport.js';

const SIZE = { title: 'SIZE', right: true };
const USED = { title: 'LAST USED' };
const MODEL_COLUMNS = [{ title: 'MODEL' }, SIZE, USED];
const WEIGHT_COLUMNS = [{ title: 'WEIGHTS' }, SIZE, USED, { title: 'MADE OF', wraps: true }];

/** Does what `thimble cache list` says. */
export async function listCache({ json = false }: { readonly json?: boolean }): Promise<void> {
  const report = await reportCache();
  if (json) return print(`${JSON.stringify(report)}\n`);
  const models = report.models.map((model) => [model.id, formatBytes(model.bytes), usedText(model)]);
  const weights = report.weights.map((entry) => [
    entry.key.slice(0, SHORT_KEY),
    formatBytes(entry.bytes),
    usedText(entry),
    entry.madeOf,
  ]);
  const tables = [
    ...(models.length === 0 ? [] : [formatTable(MODEL_COLUMNS, models)]),
    ...(weights.length === 0 ? [] : [formatTable(WEIGHT_COLUMNS, weights)]),
  ];
  print(`${tables.length === 0 ? 'The caches are empty.' : tables.join('\n\n')}\n`);
}

/** Does what `thimble cache size` says. */
export async function sizeCache({ json = false }: { readonly json?: boolean }): Promise<void> {
  const { models, weights, modelBytes, weightBytes, weightLimit } = await reportCache();
  const bytes = modelBytes + weightBytes;
  if (json) return print(`${JSON.stringify({ bytes, modelBytes, weightBytes, weightLimit })}\n`);
  const rows = [
    ['models of the hub', String(models.length), formatBytes(modelBytes)],
    ['made weights', String(weights.length), formatBytes(weightBytes)],
    ['total', '', formatBytes(bytes)],
  ];
  print(`${formatTable([{ title: 'CACHE' }, { title: 'HELD', right: true }, SIZE], rows)}\n`);
}

function usedText({ inUse, usedAt }: { readonly inUse: boolean; readonly usedAt: number }): string {
  if (inUse) return 'in use';
  return usedAt === 0 ? '' : new Date(usedAt).toISOString().slice(0, 10);
}
