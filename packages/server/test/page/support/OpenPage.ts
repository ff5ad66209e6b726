import type { BrowserContext, Locator, Page } from 'playwright-core';

/** The page in a tab, and what goes wrong in it. */
export class OpenPage {
  readonly tab: Page;
  /** What the browser complains of, such as what the page's policy forbids. */
  readonly complaints: string[] = [];
  /** Addresses of other servers that were asked for. */
  readonly foreign: string[] = [];

  private constructor(tab: Page, url: string) {
    this.tab = tab;
    tab.setDefaultTimeout(30_000);
    tab.on('console', (message) => void (message.type() === 'error' && this.complaints.push(message.text())));
    tab.on('pageerror', (error) => void this.complaints.push(error.message));
    tab.on('request', (request) => {
      if (/^(https?|wss?):/.test(request.url()) && !request.url().startsWith(url)) this.foreign.push(request.url());
    });
  }

  static async open(context: BrowserContext, url: string): Promise<OpenPage> {
    const page = new OpenPage(await context.newPage(), url);
    await page.tab.goto(url);
    return page;
  }

  get picture(): Locator {
    return this.tab.locator('.picture');
  }

  /** What is told of the job that runs. */
  get status(): Locator {
    return this.tab.getByRole('status');
  }

  get thumbnails(): Locator {
    return this.tab.locator('.gallery button');
  }

  /** Writes into the form. */
  async fill(fields: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(fields)) await this.tab.locator(`[name=${name}]`).fill(value);
  }

  async generate(): Promise<void> {
    await this.tab.getByRole('button', { name: 'Generate' }).click();
  }

  /** The picture's facts, as they are shown. */
  async facts(): Promise<Record<string, string>> {
    const [names, values] = await Promise.all(['dt', 'dd'].map(async (tag) => this.tab.locator(tag).allTextContents()));
    return Object.fromEntries(names!.map((name, i) => [name, values![i]!]));
  }

  /** The file of the picture that is shown. */
  async download(): Promise<{ readonly name: string; readonly path: string }> {
    const coming = this.tab.waitForEvent('download');
    await this.tab.getByText('Download').click();
    const download = await coming;
    return { name: download.suggestedFilename(), path: await download.path() };
  }
}
