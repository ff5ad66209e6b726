import { computed, signal } from '@preact/signals';
import { ask } from '../api/ask.js';
import type { ModelAnswer, ModelList, ServerFacts } from '../api/ServerAnswers.js';
import { session } from '../shell/session.js';
import { reachable, tell } from '../shell/notices.js';
import { settings } from './settings.js';

/** Milliseconds after which a server that cannot be reached is asked again. */
const RETRY = 2000;

/** What the server says of itself. */
export const server = signal<ServerFacts | undefined>(undefined);

/** Its models, the one that is taken by default first. */
export const models = signal<readonly ModelAnswer[]>([]);

/** The one that is chosen. */
export const model = computed(() => models.value.find(({ id }) => id === settings.value.model) ?? models.value[0]);

/** Whether the chosen model takes an option, by core's name: yes, as long as nobody knows. */
export function takes(option: string): boolean {
  const known = model.value?.options;
  return known === undefined || option in known.properties;
}

/** What the chosen model takes for an option where nothing is said; '' as long as nobody knows. */
export function defaultOf(option: string): string {
  return String(model.value?.defaults?.[option] ?? '');
}

/** Asks what there is, again until the server can be reached. */
export async function loadModels(): Promise<void> {
  try {
    server.value = await ask<ServerFacts>('server');
    session.value = 'open';
    const { data } = await ask<ModelList>('v1/models');
    models.value = data;
    await Promise.all(data.map(async ({ id }) => loadModel(id)));
  } catch (error) {
    tell(error);
    if (!reachable.value) setTimeout(() => void loadModels(), RETRY);
  }
}

/** Asks what a model takes. */
export async function loadModel(id: string): Promise<void> {
  try {
    const path = id.split('/').map(encodeURIComponent).join('/');
    const answer = await ask<ModelAnswer>(`v1/models/${path}`);
    models.value = models.value.map((one) => (one.id === id ? answer : one));
  } catch (error) {
    tell(error);
  }
}
