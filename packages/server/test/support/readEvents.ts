/** An event of a stream. */
export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** The events of an answer, to its end. */
export async function readEvents(answer: Response): Promise<ReadEvent[]> {
  if (answer.headers.get('content-type') !== 'text/event-stream; charset=utf-8') throw new Error(await answer.text());
  const blocks = (await answer.text()).split('\n\n').filter((block) => /^(id|event): /.test(block));
  return blocks.map((block) => {
    const fields = Object.fromEntries(
      block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
    );
    return {
      id: fields['id'],
      event: fields['event'] as string,
      data: JSON.parse(fields['data'] as string) as unknown,
    };
  });
}
