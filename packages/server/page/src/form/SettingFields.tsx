import type { JSX } from 'preact';
import { defaultOf, server, takes } from './models.js';
import { isRefused, NumberField } from './NumberField.js';
import { change, settings } from './settings.js';

/** How a picture is made: each left empty is the model's own. */
export function SettingFields(): JSX.Element {
  const limits = server.value?.limits;
  return (
    <div class="settings">
      <NumberField
        label="Width"
        name="width"
        params={['width', 'size']}
        min={8}
        step={8}
        placeholder={defaultOf('width')}
      />
      <NumberField
        label="Height"
        name="height"
        params={['height', 'size']}
        min={8}
        step={8}
        placeholder={defaultOf('height')}
      />
      <NumberField
        label="Steps"
        name="steps"
        params={['steps', 'numInferenceSteps', 'num_inference_steps']}
        min={1}
        max={limits?.steps}
        placeholder={defaultOf('numInferenceSteps')}
      />
      <NumberField label="Seed" name="seed" params={['seed']} step={1} placeholder="random" />
      {takes('guidanceScale') && (
        <NumberField
          label="Guidance"
          name="guidance"
          params={['guidanceScale', 'guidance_scale']}
          step="any"
          placeholder={defaultOf('guidanceScale')}
        />
      )}
      {takes('numImagesPerPrompt') && (
        <NumberField
          label="Pictures"
          name="count"
          params={['n', 'numImagesPerPrompt']}
          min={1}
          max={limits?.images}
          placeholder="1"
        />
      )}
      <label class="field wide">
        Scheduler
        <input
          name="scheduler"
          list="schedulers"
          autocomplete="off"
          value={settings.value.scheduler}
          placeholder="the model's own"
          aria-invalid={isRefused(['scheduler'])}
          onInput={({ currentTarget }) => change({ scheduler: currentTarget.value })}
        />
        <datalist id="schedulers">
          {server.value?.schedulers.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
    </div>
  );
}
