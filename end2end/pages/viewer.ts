// The page of a log, by the names that a person or a screen reader knows its parts by.
import { expect, type Locator, type Page } from '@playwright/test';

import type { Server } from '../fixtures/server';

export class Viewer {
  readonly lines: Locator;
  readonly rows: Locator;
  readonly notices: Locator;
  readonly status: Locator;
  readonly ruler: Locator;
  readonly sources: Locator;
  /** The field for what is looked for, what is said of it, and what it found in sight. */
  readonly query: Locator;
  readonly found: Locator;
  readonly hits: Locator;
  /** What stands for folded lines, and the panel of all that one line says. */
  readonly folds: Locator;
  readonly details: Locator;
  /** The palette's field, and what it offers. */
  readonly command: Locator;
  readonly commands: Locator;
  readonly timeline: Locator;
  readonly chosen: Locator;
  /** The field for what is to be shown alone, and how much that is. */
  readonly narrow: Locator;
  readonly taken: Locator;

  constructor(
    readonly page: Page,
    private readonly token: string,
  ) {
    this.lines = page.getByRole('grid', { name: /^Lines of / });
    this.rows = this.lines.locator('.rows > .row:not(.notice, .fold)');
    this.notices = this.lines.locator('.row.notice');
    this.status = page.getByRole('contentinfo', { name: 'Status' });
    this.ruler = page.getByRole('scrollbar', { name: 'Place in the log' });
    this.query = page.getByRole('textbox', { name: 'Find' });
    this.found = page.locator('#found');
    this.hits = this.rows.locator('mark');
    this.folds = this.lines.locator('.row.fold');
    this.details = page.getByRole('complementary', { name: 'Details' });
    this.command = page.getByRole('combobox', { name: 'Commands' });
    this.commands = page.getByRole('option');
    this.timeline = page.getByRole('group', { name: /^Timeline/ });
    this.chosen = page.getByRole('toolbar', { name: 'Chosen lines' });
    this.narrow = page.getByRole('textbox', { name: 'Show only', exact: true });
    this.taken = page.locator('#taken');
    this.sources = page.getByRole('navigation', { name: 'Sources' });
  }

  /** Signs in, opens a log's page, and waits until it is followed. */
  async open(server: Server, log: string, rest = ''): Promise<void> {
    await this.signIn(server);
    await this.page.goto(server.address(log, rest));
    await expect(this.status).toContainText(/LIVE|PAUSED|POLLING/);
  }

  async signIn(server: Server): Promise<void> {
    await this.page.goto(`${server.origin}/?key=${this.token}`);
  }

  /** The texts of the rows in sight, from the top. */
  async texts(): Promise<string[]> {
    const box = await this.lines.boundingBox();
    return this.rows.evaluateAll(
      (rows, [top, bottom]) =>
        rows
          .filter((row) => {
            const { y, height } = row.getBoundingClientRect();
            return y + height / 2 >= top && y + height / 2 <= bottom;
          })
          .map((row) => row.querySelector('.text')?.textContent ?? ''),
      [box!.y, box!.y + box!.height] as const,
    );
  }

  async first(): Promise<string> {
    return (await this.texts())[0] ?? '';
  }

  async last(): Promise<string> {
    return (await this.texts()).at(-1) ?? '';
  }

  async expectLast(text: string): Promise<void> {
    await expect.poll(() => this.last()).toBe(text);
  }

  async expectFirst(text: string): Promise<void> {
    await expect.poll(() => this.first()).toBe(text);
  }

  /** The text of the line under the cursor. */
  async cursor(): Promise<string> {
    const id = await this.lines.getAttribute('aria-activedescendant');
    return id === null ? '' : ((await this.page.locator(`[id="${id}"] .text`).textContent()) ?? '');
  }

  async expectCursor(text: string): Promise<void> {
    await expect.poll(() => this.cursor()).toBe(text);
  }

  /** The number in the gutter of the row with that text. */
  number(text: string): Locator {
    return this.rows.filter({ hasText: text }).locator('.num').first();
  }

  /** What was copied last. */
  async clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** The button that tells what is new and leads there. */
  get pill(): Locator {
    return this.page.getByRole('button', { name: / new/ });
  }

  /** The switch of a part of the filter. */
  chip(query: string): Locator {
    return this.page.getByRole('button', { name: new RegExp(`^(Show only|Hide): ${query}$`) });
  }

  level(name: string): Locator {
    return this.page.getByRole('group', { name: 'Level and worse' }).getByRole('button', { name });
  }

  async wheel(pixels: number): Promise<void> {
    const box = await this.lines.boundingBox();
    await this.page.mouse.move(box!.x + box!.width / 2, box!.y + box!.height / 2);
    await this.page.mouse.wheel(0, pixels);
  }

  /** Presses the ruler at `from` and lets go at `to`, fractions of its height; to its ends and beyond, as a hand does. */
  async drag(from: number, to: number): Promise<void> {
    const box = (await this.ruler.boundingBox())!;
    const x = box.x + box.width / 2;
    const y = (fraction: number) => box.y + fraction * box.height;
    await this.page.mouse.move(x, Math.min(Math.max(y(from), box.y + 2), box.y + box.height - 2));
    await this.page.mouse.down();
    for (let step = 1; step <= 10; step += 1) await this.page.mouse.move(x, y(from + ((to - from) * step) / 10));
    if (to === 0 || to === 1) await this.page.mouse.move(x, y(to) + (to === 0 ? -10 : 10));
    await this.page.mouse.up();
  }

  /** Elements of the page, and rows among them. */
  async nodes(): Promise<{ all: number; rows: number }> {
    return { all: await this.page.locator('*').count(), rows: await this.rows.count() };
  }

  /** Bytes of script and wasm memory, after what is garbage was collected. */
  async heap(): Promise<number> {
    const devtools = await this.page.context().newCDPSession(this.page);
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize = 0 } = (await devtools.send('Runtime.getHeapUsage')) as {
      usedSize: number;
      backingStorageSize?: number;
    };
    await devtools.detach();
    return usedSize + backingStorageSize;
  }
}
