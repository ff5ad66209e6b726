import type { JSX } from 'preact';
import { shelf } from '../gallery/PictureShelf.js';
import { currentJob } from '../jobs/currentJob.js';
import { JobProgress } from './JobProgress.js';
import { MemoryChart } from './MemoryChart.js';
import { PictureFacts } from './PictureFacts.js';
import { shown } from './shown.js';

/** What is made now, or the picture that was chosen. */
export function Stage(): JSX.Element {
  const job = currentJob.value;
  const pictures = shelf.pictures.value;
  const chosen = pictures.find(({ key }) => key === shown.value);
  const picture = chosen ?? (job === undefined ? pictures[0] : undefined);
  return (
    <section id="stage" class="stage" aria-label="Picture">
      {job !== undefined && <JobProgress job={job} />}
      {picture !== undefined ? (
        <div class="frame">
          <img class="picture" src={picture.url} alt={picture.parameters?.prompt ?? 'A picture'} />
        </div>
      ) : job !== undefined ? (
        <Previews urls={job.view.value.previews} />
      ) : (
        <Welcome />
      )}
      <div class="side">
        {picture !== undefined && <PictureFacts picture={picture} />}
        <MemoryChart />
      </div>
    </section>
  );
}

function Previews({ urls }: { readonly urls: readonly string[] }): JSX.Element {
  return (
    <div class="frame">
      {urls.map((url, i) => (
        <img key={i} class="preview" src={url} alt="How it looks so far" />
      ))}
      {urls.length === 0 && <div class="waiting" />}
    </div>
  );
}

function Welcome(): JSX.Element {
  return (
    <div class="frame empty">
      <img src="./icon.svg" alt="" />
      <p>
        Say what the picture shows, and press Generate
        <span class="keys">
          {' '}
          or <kbd>Ctrl</kbd> <kbd>Enter</kbd>
        </span>
        .
      </p>
    </div>
  );
}
