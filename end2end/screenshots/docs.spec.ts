// The real page over generated logs, light, dark and narrow.
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { application, write } from '../demo/log.mjs';
import { expect, test } from '../fixtures/test';

const docs = join(dirname(fileURLToPath(import.meta.url)), '../../docs');

for (const [name, scheme, width, height] of [
  ['light', 'light', 1200, 720],
  ['dark', 'dark', 1200, 720],
  ['narrow', 'dark', 390, 780],
] as const) {
  test(`docs/${name}.png`, async ({ folder, serve, viewer }) => {
    const { page } = viewer;
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height });
    // Of the last hours, so that it looks like any day.
    const began = Date.now() - 4 * 3_600_000;
    write(folder.path, 60_000, began);
    const orders = folder.file('shop/orders.log');
    const server = await serve(['nginx', 'shop', 'ci'].map((name) => folder.file(name)));
    await viewer.open(server, 'shop/orders.log');
    // Followed for a moment, so that the status bar has something to say.
    const lines = application(60_900, began).split('\n');
    const until = lines.findLastIndex((line) => line.includes(' ERROR ')) + 11;
    const more = lines.slice(until - 600, until);
    for (let at = 0; at < 600; at += 20) {
      if (at === 580) folder.rotate('shop/orders.log');
      appendFileSync(orders, `${more.slice(at, at + 20).join('\n')}\n`);
      await page.evaluate(() => new Promise((drawn) => setTimeout(drawn, 60)));
    }
    await expect(viewer.status).toContainText('LIVE');
    await page.screenshot({ path: join(docs, `${name}.png`) });
  });
}
