import { expect, test } from '@jest/globals';
import { CliError } from '../src/CliError.js';
import { Interruption } from '../src/Interruption.js';
import { untilSignal } from '../src/serve/untilSignal.js';

test('a signal that came while a server was made ends it before it listens', async () => {
  using interruption = new Interruption();
  process.emit('SIGTERM', 'SIGTERM');
  const done: string[] = [];
  const serving = untilSignal(interruption, {
    begin: async () => void done.push('begin'),
    end: async () => void done.push('end'),
  });
  await expect(serving).rejects.toThrow(CliError);
  await expect(serving).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
  expect(done).toEqual([]);
});

test('a signal that comes while it begins to listen ends it once it does', async () => {
  using interruption = new Interruption();
  const done: string[] = [];
  await untilSignal(interruption, {
    begin: async () => {
      process.emit('SIGINT', 'SIGINT');
      done.push('begin');
    },
    end: async () => void done.push('end'),
  });
  expect(done).toEqual(['begin', 'end']);
});
