import { signal } from '@preact/signals';
import { createStore, del, delMany, entries, set } from 'idb-keyval';
import { type Parameters, parseParameters } from './parseParameters.js';
import { readPngTexts } from './readPngTexts.js';

/** A picture that was made. */
export interface ShelfPicture {
  /** Begins with the time at which its job was made, so that keys have the order of the pictures. */
  readonly key: string;
  readonly blob: Blob;
  /** Good on this page. */
  readonly url: string;
  /** How it was made, as its file says; undefined if it does not. */
  readonly parameters: Parameters | undefined;
}

/** Pictures that are kept; the oldest go first. */
const MOST_PICTURES = 300;
/** Bytes of a file in which its texts are looked for. */
const HEAD = 2 ** 16;

/** The pictures that were made with this browser, which keeps them, whatever the server does. Tabs have the same ones. */
export class PictureShelf {
  /** Newest first. */
  readonly pictures = signal<readonly ShelfPicture[]>([]);
  readonly #store = createStore('thimble', 'pictures');
  readonly #others = new BroadcastChannel('thimble.pictures');

  constructor() {
    this.#others.addEventListener('message', () => void this.load());
  }

  /** Reads what there is. Where the browser keeps nothing, there is what was added. */
  async load(): Promise<void> {
    try {
      const known = await entries<string, Blob>(this.#store);
      const keys = known.map(([key]) => key).sort();
      const kept = new Set(keys.slice(-MOST_PICTURES));
      if (kept.size < keys.length)
        await delMany(
          keys.filter((key) => !kept.has(key)),
          this.#store,
        );
      const read = known.filter(([key]) => kept.has(key)).map(async ([key, blob]) => this.#read(key, blob));
      this.#show(await Promise.all(read));
    } catch {
      // It cannot be read: the pictures of this tab stay.
    }
  }

  async add(key: string, blob: Blob): Promise<void> {
    const others = this.pictures.value.filter((picture) => picture.key !== key);
    this.#show([...others, await this.#read(key, blob)]);
    await this.#change(async () => set(key, blob, this.#store));
  }

  async remove(key: string): Promise<void> {
    this.#show(this.pictures.value.filter((picture) => picture.key !== key));
    await this.#change(async () => del(key, this.#store));
  }

  async #change(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#others.postMessage('changed');
    } catch {
      // The browser keeps nothing, or has no room: the picture lasts as long as the page.
    }
  }

  #show(pictures: readonly ShelfPicture[]): void {
    const kept = new Set(pictures.map(({ url }) => url));
    for (const { url } of this.pictures.value) if (!kept.has(url)) URL.revokeObjectURL(url);
    this.pictures.value = [...pictures].sort((a, b) => (a.key < b.key ? 1 : -1));
  }

  async #read(key: string, blob: Blob): Promise<ShelfPicture> {
    const known = this.pictures.value.find((picture) => picture.key === key);
    return known ?? { key, blob, url: URL.createObjectURL(blob), parameters: await readParameters(blob) };
  }
}

/** How the picture of a file was made, if it says so. */
export async function readParameters(file: Blob): Promise<Parameters | undefined> {
  const { parameters } = readPngTexts(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  return parameters === undefined ? undefined : parseParameters(parameters);
}

/** The one of this page. */
export const shelf = new PictureShelf();
