// Moving through logs of any size.
import { numbered } from '../fixtures/folder';
import { expect, test } from '../fixtures/test';

const GB = 1_000_000_000;

test('20 GB open at the end, and any point is a drag away', async ({ folder, serve, viewer }) => {
  // Behind the page all of it is counted, and looked through for errors: on a slow machine that is long.
  test.slow();
  const end = `\n${numbered(1, 2000, 'end')}`;
  // A pixel of the ruler is 27 MB here: the middle has to be as wide as a few of them.
  const middle = `\n${Array.from({ length: 100_000 }, (_, at) => `middle ${at} `.padEnd(999, '-')).join('\n')}\n`;
  folder.sparse('huge.log', 20 * GB, [
    [0, numbered(1, 2000, 'start')],
    [10 * GB - 50_000_000, middle],
    [20 * GB - end.length, end],
  ]);
  const server = await serve([folder.file('huge.log')]);
  await viewer.open(server, 'logs/huge.log');
  await viewer.expectLast('end 2000');
  const before = server.memory();
  await viewer.drag(1, 0);
  await expect.poll(() => viewer.first()).toBe('start 1');
  // In its very middle a scrollbar means the middle, however high its handle is.
  await viewer.drag(0.5, 0.5);
  await expect.poll(async () => (await viewer.texts()).join('\n')).toMatch(/^middle \d+ -/m);
  await viewer.drag(0.5, 1);
  await viewer.expectLast('end 2000');
  for (let at = 0; at < 20; at += 1) await viewer.drag(at / 20, (19 - at) / 20);
  expect(await viewer.nodes().then(({ rows }) => rows)).toBeLessThan(300);
  // Counting 20 GB takes 0.1 MiB per GB; nothing else may grow with the file.
  expect(server.memory() - before).toBeLessThan(16 * 1024 * 1024);
});

test('the keys move as in less', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 10_000))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 10000');
  const { keyboard } = viewer.page;
  await keyboard.press('g');
  await viewer.expectFirst('line 1');
  await keyboard.press('j');
  await viewer.expectFirst('line 2');
  await keyboard.type('20j');
  await viewer.expectFirst('line 22');
  await keyboard.press('k');
  await viewer.expectFirst('line 21');
  await keyboard.press('ArrowUp');
  await viewer.expectFirst('line 20');
  const page = (await viewer.texts()).length;
  await keyboard.press('Space');
  await expect.poll(async () => Number((await viewer.first()).slice(5))).toBeGreaterThan(20 + page / 2);
  await keyboard.press('PageUp');
  await viewer.expectFirst('line 20');
  await keyboard.type('5000G');
  await expect.poll(async () => (await viewer.texts()).includes('line 5000')).toBe(true);
  await keyboard.type('50%');
  await expect.poll(async () => (await viewer.texts()).some((text) => /^line (49|50|51)\d\d$/.test(text))).toBe(true);
  await keyboard.press('Shift+G');
  await viewer.expectLast('line 10000');
  await expect(viewer.status).toContainText('LIVE');
});

test('scrolling up passes every line once and in order', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 3000))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 3000');
  let next = 3000;
  while (next > 2000) {
    const texts = await viewer.texts();
    const numbers = texts.map((text) => Number(text.slice(5)));
    const from = numbers[0]!;
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => from + at));
    expect(numbers.at(-1), 'no line between two screens is left out').toBeGreaterThanOrEqual(next - 1);
    next = from;
    await viewer.page.keyboard.press('PageUp');
    await expect.poll(() => viewer.first()).not.toBe(texts[0]);
  }
});

test('a line number is a link, and the link leads there, in another browser too', async ({ folder, serve, viewer, browser }) => {
  const server = await serve([folder.write('app.log', numbered(1, 5000))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await viewer.page.keyboard.type('2500G');
  await expect.poll(async () => (await viewer.texts()).includes('line 2500')).toBe(true);
  await viewer.rows.filter({ hasText: /line 2500$/ }).locator('a.num').click();
  await expect(viewer.page).toHaveURL(/#@[0-9a-f]+:\d+$/);
  const address = viewer.page.url();
  expect(await viewer.page.evaluate(() => navigator.clipboard.readText())).toBe(address);
  folder.rotate('app.log');
  folder.append('app.log', numbered(5001, 3000));
  const { Viewer } = await import('../pages/viewer');
  const context = await browser.newContext();
  const other = new Viewer(await context.newPage(), 'a-token-for-the-tests-alone');
  await other.signIn(server);
  await other.page.goto(address);
  await expect.poll(async () => (await other.texts()).includes('line 2500'), 'also after a rotation').toBe(true);
  await other.page.goto(server.address('logs/app.log', '#L1200'));
  await expect.poll(async () => (await other.texts()).includes('line 6200')).toBe(true);
  await context.close();
});
