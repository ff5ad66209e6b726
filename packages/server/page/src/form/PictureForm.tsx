import type { JSX } from 'preact';
import { model, models, takes } from './models.js';
import { ImageField } from './ImageField.js';
import { isRefused } from './NumberField.js';
import { change, settings } from './settings.js';
import { SettingFields } from './SettingFields.js';
import { submit, submitting } from './submit.js';

/** What is to be made, and how. */
export function PictureForm(): JSX.Element {
  const { prompt, negativePrompt } = settings.value;
  return (
    <form
      id="picture-form"
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div class="fields">
        <label class="field">
          Prompt
          <textarea
            id="prompt"
            name="prompt"
            rows={4}
            required
            maxLength={32_000}
            value={prompt}
            placeholder="What the picture shows"
            aria-invalid={isRefused(['prompt'])}
            onInput={({ currentTarget }) => change({ prompt: currentTarget.value })}
          />
        </label>
        {takes('negativePrompt') && (
          <label class="field">
            Negative prompt
            <textarea
              name="negativePrompt"
              rows={2}
              value={negativePrompt}
              placeholder="What it should not show"
              aria-invalid={isRefused(['negativePrompt', 'negative_prompt'])}
              onInput={({ currentTarget }) => change({ negativePrompt: currentTarget.value })}
            />
          </label>
        )}
        {models.value.length > 0 && (
          <label class="field">
            Model
            <select
              name="model"
              value={model.value?.id}
              onChange={({ currentTarget }) => change({ model: currentTarget.value })}
            >
              {models.value.map(({ id }) => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </select>
          </label>
        )}
        {takes('strength') && <ImageField />}
        <SettingFields />
      </div>
      <div class="actions">
        <button type="submit" class="primary" disabled={submitting.value} title="Ctrl+Enter">
          Generate
        </button>
      </div>
    </form>
  );
}
