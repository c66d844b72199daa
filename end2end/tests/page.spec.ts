// The page around the lines: sources, themes, narrow screens, help, no scripts.
import { numbered } from '../fixtures/folder';
import { expect, expectAccessible, test } from '../fixtures/test';

test('the last lines stand in the page before any script runs', async ({ folder, serve, browser }) => {
  const server = await serve([folder.write('app.log', numbered(1, 1000))]);
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${server.origin}/?key=a-token-for-the-tests-alone`);
  await page.goto(server.address('logs/app.log'));
  await expect(page.locator('#first-lines')).toContainText('line 1000');
  const bottom = await page.locator('#first-lines').evaluate((pre) => pre.getBoundingClientRect().bottom);
  expect(bottom).toBeLessThanOrEqual(800);
  await context.close();
});

test('what the list shows lies where the server drew it', async ({ folder, serve, viewer, browser }) => {
  const server = await serve([folder.write('app.log', numbered(1, 1000))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 1000');
  const row = viewer.rows.filter({ hasText: /line 1000$/ }).locator('.text');
  const listed = await row.evaluate((text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const { left, bottom } = range.getBoundingClientRect();
    return { left, bottom };
  });
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(`${server.origin}/?key=a-token-for-the-tests-alone`);
  await page.goto(server.address('logs/app.log'));
  const drawn = await page.locator('#first-lines').evaluate((pre) => {
    const range = document.createRange();
    const texts = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode as Text;
      const at = text.data.indexOf('line 1000');
      if (at < 0) continue;
      range.setStart(text, at);
      range.setEnd(text, at + 9);
    }
    const { left, bottom } = range.getBoundingClientRect();
    return { left, bottom };
  });
  expect(Math.abs(drawn.left - listed.left)).toBeLessThan(2);
  expect(Math.abs(drawn.bottom - listed.bottom)).toBeLessThan(2);
  await context.close();
});

test('a new file that fits a glob comes into the list of sources', async ({ folder, serve, viewer }) => {
  folder.write('a.log', 'a\n');
  const server = await serve([`${folder.path}/*.log`]);
  await viewer.open(server, 'logs/a.log');
  await expect(viewer.sources.getByRole('link', { name: /a\.log/ })).toBeVisible();
  folder.write('b.log', 'from b\n');
  await viewer.sources.getByRole('link', { name: /b\.log/ }).click();
  await viewer.expectLast('from b');
  await expect(viewer.page).toHaveURL(server.address('logs/b.log'));
  await viewer.page.goBack();
  await viewer.expectLast('a');
});

test('a source that cannot be read says why, and what to do', async ({ folder, serve, viewer }) => {
  folder.write('a.log', 'a\n');
  // A folder where a file was named cannot be read by anybody, root included.
  const server = await serve([folder.file('a.log'), `${folder.path}/a.log/under.log`]);
  await viewer.open(server, 'logs/a.log');
  await expect(viewer.sources.getByText('under.log')).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`the page is accessible (${scheme})`, async ({ folder, serve, viewer }) => {
    await viewer.page.emulateMedia({ colorScheme: scheme });
    const server = await serve([
      folder.write('app.log', `${numbered(1, 50)}ERROR broken\nWARN careful\n\u001b[32mgreen\u001b[0m \u001b[90mgrey\u001b[0m\n`),
    ]);
    await viewer.open(server, 'logs/app.log');
    await viewer.expectLast('green grey');
    await expectAccessible(viewer.page);
    await viewer.page.keyboard.press('?');
    await expect(viewer.page.getByRole('dialog')).toBeVisible();
    await expectAccessible(viewer.page);
    await viewer.page.keyboard.press('Escape');
    await expect(viewer.page.getByRole('dialog')).toBeHidden();
    await viewer.page.goto(`${server.origin}/`);
    await expect(viewer.sources.getByRole('link', { name: /app\.log/ })).toBeVisible();
    await expectAccessible(viewer.page);
  });

  test(`the form to sign in is accessible (${scheme})`, async ({ folder, serve, page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    const server = await serve([folder.write('app.log', 'x\n')]);
    await page.goto(server.address('logs/app.log'));
    await expect(page.getByLabel('Key')).toBeFocused();
    await expectAccessible(page);
  });
}

test('the theme is switched, and kept', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', 'x\n')]);
  await viewer.page.emulateMedia({ colorScheme: 'light' });
  await viewer.open(server, 'logs/app.log');
  const background = () => viewer.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  const root = viewer.page.locator('html');
  await expect(root).toHaveAttribute('data-theme', 'system');
  const button = viewer.page.getByRole('button', { name: /theme/i });
  await button.click();
  await expect(root).toHaveAttribute('data-theme', 'light');
  await button.click();
  await expect(root).toHaveAttribute('data-theme', 'dark');
  expect(await background()).not.toBe(light);
  await viewer.page.reload();
  await expect(root).toHaveAttribute('data-theme', 'dark');
  expect(await background()).not.toBe(light);
  await button.click();
  await expect(root).toHaveAttribute('data-theme', 'contrast');
  await expectAccessible(viewer.page);
  await button.click();
  await expect(root).toHaveAttribute('data-theme', 'system');
});

test('on a narrow screen the sources are a drawer', async ({ folder, serve, viewer }) => {
  await viewer.page.setViewportSize({ width: 360, height: 640 });
  folder.write('a.log', 'a\n');
  folder.write('b.log', 'from b\n');
  const server = await serve([folder.path]);
  await viewer.open(server, 'logs/a.log');
  const link = viewer.sources.getByRole('link', { name: /b\.log/ });
  await expect(link).not.toBeInViewport();
  await viewer.page.getByRole('button', { name: 'Sources' }).click();
  await expect(link).toBeInViewport();
  await expectAccessible(viewer.page);
  await link.click();
  await viewer.expectLast('from b');
  await expect(link).not.toBeInViewport();
  const wide = await viewer.page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide, 'nothing sticks out').toBeLessThanOrEqual(360);
});

test('an address that leads nowhere says so', async ({ folder, serve, viewer, allowed }) => {
  allowed.push(/status of 404/);
  const server = await serve([folder.write('app.log', 'x\n')]);
  await viewer.signIn(server);
  const answer = await viewer.page.goto(server.address('logs/none.log'));
  expect(answer?.status()).toBe(404);
  await expect(viewer.page.getByRole('heading')).toBeVisible();
});

test('a sub-path is kept to', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 5))], { flags: ['--base-path', '/deep/logs'] });
  const asked: string[] = [];
  viewer.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await viewer.page.goto(`${server.origin}/deep/logs/?key=a-token-for-the-tests-alone`);
  await viewer.sources.getByRole('link', { name: /app\.log/ }).click();
  await viewer.expectLast('line 5');
  folder.append('app.log', 'line 6\n');
  await viewer.expectLast('line 6');
  await viewer.page.reload();
  await viewer.expectLast('line 6');
  expect(asked.filter((path) => !path.startsWith('/deep/logs/'))).toEqual([]);
});
