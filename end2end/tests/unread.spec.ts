// What comes into logs that nobody reads: told beside their names, and in the title.
import { expect, expectAccessible, test } from '../fixtures/test';

test('what comes into a log that is not open is told beside its name, until it is opened', async ({ folder, serve, viewer }) => {
  folder.write('a.log', 'of a\n');
  folder.write('b.log', 'of b\n');
  const server = await serve([folder.path]);
  await viewer.open(server, 'logs/a.log');
  const row = viewer.sources.getByRole('link', { name: /b\.log/ });
  await expect(row).toBeVisible();
  // The page has begun to look at it when a first line is told.
  await expect(async () => {
    folder.append('b.log', 'WARN another\n');
    await expect(row.locator('.lines-new')).toHaveText(/^\+\d+$/, { timeout: 2500 });
  }).toPass();
  await expect(row.locator('.warnings')).toHaveText(/warn$/);
  folder.append('b.log', 'ERROR broken\nERROR broken\n');
  await expect(row.locator('.errors')).toHaveText('2 err');
  await expectAccessible(viewer.page);
  await row.click();
  await viewer.expectLast('ERROR broken');
  await expect(row.locator('.errors')).toBeEmpty();
});

test('without scripts the first lines are folded, and open', async ({ folder, serve, browser }) => {
  const trace = Array.from({ length: 5 }, (_, n) => `\tat frame${n}\n`).join('');
  const server = await serve([folder.write('app.log', `2026-11-21T10:00:00Z ERROR broken\n${trace}2026-11-21T10:00:01Z INFO on\n`)]);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${server.origin}/?key=a-token-for-the-tests-alone`);
  await page.goto(server.address('logs/app.log'));
  await expect(page.getByText('frame4')).toBeHidden();
  await page.getByText('5 more lines').click();
  await expect(page.getByText('frame4')).toBeVisible();
  await context.close();
});
