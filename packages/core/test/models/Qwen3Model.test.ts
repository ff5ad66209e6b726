import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Component } from '../../src/execution/Component.js';
import { createHooks } from '../../src/hooks/manifest.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { openComponent } from '../support/openComponent.js';
import { stackTensors } from '../support/stackTensors.js';

let fixture: FixtureCase;
beforeAll(async () => {
  fixture = await FixtureCase.open('text-encoders');
});

/** The values of the rows that no mask hides. */
function rowsOf({ data, dims }: Tensor, mask: Tensor): Tensor {
  const width = dims.at(-1) as number;
  const kept = (data as Float32Array).filter((_, i) => mask.data[Math.floor(i / width) % mask.size] === 1n);
  return new Tensor('float32', kept, [kept.length]);
}

describe.each(['qwen3', 'qwen3_untied'])('%s', (name) => {
  let component: Component;
  const ran: string[] = [];
  const hooks = createHooks();
  hooks.beforeSegment.tap('records', ({ segment }) => void ran.push(segment));
  beforeAll(async () => {
    component = await openComponent(fixture.folder, name, { hooks });
  });
  afterAll(async () => component.unload());

  test.each(['right', 'left', 'none'])(
    'has the hidden states that transformers has, padding on the %s',
    async (side) => {
      const call = `${name}.${side}`;
      const inputs = await fixture.inputs(call);
      const [states] = fixture.call(call).out['hidden_states']!.shape as [number];
      const names = Array.from({ length: states }, (_, i) => `hidden_states.${i}`);
      const results = await component.call(inputs, { outputs: names });
      const got = stackTensors(names.map((each) => results[each] as Tensor));
      if (side !== 'left') {
        expect(await fixture.excess(call, 'hidden_states', got)).toBeLessThanOrEqual(1);
        return;
      }
      // Rows of the padding are not recorded here.
      const { atol, rtol, tensor } = fixture.call(call).out['hidden_states']!;
      const mask = inputs['attention_mask'] as Tensor;
      const [rows, expected] = [rowsOf(got, mask), rowsOf(await fixture.tensor(tensor), mask)];
      const worst = (expected.data as Float32Array).map(
        (value, i) => Math.abs(value - (rows.data[i] as number)) / (atol + rtol * Math.abs(value)),
      );
      expect(rows.size).toBe(expected.size);
      expect(Math.max(...worst)).toBeLessThanOrEqual(1);
    },
  );

  test('runs only the layers below what is asked for, and gathers no more than the rows of its tokens', async () => {
    const { input_ids: ids } = (await fixture.inputs(`${name}.none`)) as { input_ids: Tensor };
    ran.length = 0;
    const { 'hidden_states.1': first } = await component.call({ input_ids: ids }, { outputs: ['hidden_states.1'] });
    expect(ran.filter((segment) => /layers|norm/.test(segment))).toEqual(['model.layers.0']);
    const { inputs_embeds: embeds } = await component.invoke('embed', { input_ids: ids });
    const again = await component.call(
      { input_ids: ids, inputs_embeds: embeds as Tensor },
      { outputs: ['hidden_states.1'] },
    );
    expect(again['hidden_states.1']?.data).toEqual(first?.data);
  });
});
