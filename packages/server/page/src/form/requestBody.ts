import type { Settings } from './settings.js';

/** Pictures of a request, as `data:` URLs. */
export interface RequestPictures {
  readonly image: string;
  readonly mask: string | undefined;
}

/** The body of `POST /jobs`. What the form leaves to the model is not in it. */
export function requestBody(settings: Settings, pictures: RequestPictures | undefined): object {
  const { prompt, negativePrompt, model, scheduler, count, strength } = settings;
  const { width, height, steps, guidance, seed } = settings;
  return {
    prompt,
    previews: true,
    ...texts({ negative_prompt: negativePrompt, model, scheduler }),
    ...numbers({ width, height, steps, guidance_scale: guidance, seed }),
    ...(count === '1' ? {} : numbers({ n: count })),
    ...(pictures === undefined ? {} : { ...pictures, ...numbers({ strength }) }),
  };
}

function texts(given: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(given).filter(([, text]) => text.trim() !== ''));
}

function numbers(given: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(texts(given)).map(([name, text]) => [name, Number(text)]));
}
