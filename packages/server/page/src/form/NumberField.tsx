import type { JSX } from 'preact';
import { notice } from '../shell/notices.js';
import { change, type Settings, settings } from './settings.js';

/** A number of the form. */
export interface NumberFieldProps {
  readonly label: string;
  readonly name: keyof Settings;
  /** As the server calls it where it is wrong. */
  readonly params: readonly string[];
  readonly min?: number;
  readonly max?: number | undefined;
  readonly step?: number | 'any';
  readonly placeholder?: string;
}

/** Whether the server has found fault with one of these. */
export function isRefused(params: readonly string[]): boolean {
  const param = notice.value?.param;
  return param !== undefined && params.includes(param);
}

/** A number; empty where it is the model's own. */
export function NumberField({ label, name, params, placeholder, ...bounds }: NumberFieldProps): JSX.Element {
  return (
    <label class="field">
      {label}
      <input
        type="number"
        inputMode={bounds.step === 'any' ? 'decimal' : 'numeric'}
        name={name}
        value={settings.value[name]}
        placeholder={placeholder === undefined || placeholder === '' ? 'auto' : placeholder}
        aria-invalid={isRefused(params)}
        onInput={({ currentTarget }) => change({ [name]: currentTarget.value })}
        {...bounds}
      />
    </label>
  );
}
