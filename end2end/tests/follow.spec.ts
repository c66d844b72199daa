// The follow rules.
import { numbered } from '../fixtures/folder';
import { expect, test } from '../fixtures/test';

test('the page opens at the end and follows what is appended', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 500))]);
  await viewer.open(server, 'logs/app.log');
  await expect(viewer.status).toContainText('LIVE');
  await viewer.expectLast('line 500');
  folder.append('app.log', 'line 501\n');
  await viewer.expectLast('line 501');
  folder.append('app.log', numbered(502, 3000));
  await viewer.expectLast('line 3501');
});

test('a line that is not finished is shown, and grows in its place', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', 'one\ntwo')]);
  await viewer.open(server, 'logs/app.log');
  await expect.poll(() => viewer.texts()).toEqual(['one', 'two']);
  folder.append('app.log', ' and a half\nthree\n');
  await expect.poll(() => viewer.texts()).toEqual(['one', 'two and a half', 'three']);
});

const upward: [string, (viewer: import('../pages/viewer').Viewer) => Promise<void>][] = [
  ['the wheel', (viewer) => viewer.wheel(-200)],
  ['PageUp', (viewer) => viewer.page.keyboard.press('PageUp')],
  ['k', (viewer) => viewer.page.keyboard.press('k')],
  ['the ruler', (viewer) => viewer.drag(0.5, 0.4)],
  ['selecting text', async (viewer) => viewer.rows.nth(-3).locator('.text').dblclick()],
];

for (const [what, leave] of upward) {
  test(`${what} leaves the end, and nothing moves what is read`, async ({ folder, serve, viewer }) => {
    const server = await serve([folder.write('app.log', numbered(1, 2000))]);
    await viewer.open(server, 'logs/app.log');
    await viewer.expectLast('line 2000');
    await leave(viewer);
    folder.append('app.log', `${numbered(2001, 9)}ERROR line 2010\n`);
    await expect(viewer.pill).toContainText('10 new, 1 error');
    const before = await viewer.texts();
    folder.append('app.log', numbered(2011, 200));
    await expect(viewer.pill).toContainText('210 new, 1 error');
    expect(await viewer.texts()).toEqual(before);
  });
}

const back: [string, (viewer: import('../pages/viewer').Viewer) => Promise<void>][] = [
  ['F', (viewer) => viewer.page.keyboard.press('Shift+F')],
  ['G', (viewer) => viewer.page.keyboard.press('Shift+G')],
  ['End', (viewer) => viewer.page.keyboard.press('End')],
  ['the pill', (viewer) => viewer.pill.click()],
  ['scrolling to the end', (viewer) => viewer.wheel(100_000)],
];

for (const [what, go] of back) {
  test(`${what} follows again`, async ({ folder, serve, viewer }) => {
    const server = await serve([folder.write('app.log', numbered(1, 2000))]);
    await viewer.open(server, 'logs/app.log');
    await viewer.expectLast('line 2000');
    await viewer.page.keyboard.press('PageUp');
    folder.append('app.log', numbered(2001, 5));
    await expect(viewer.pill).toContainText('5 new');
    // Down, but not to the end: not yet.
    await viewer.page.keyboard.press('j');
    await expect(viewer.pill).toBeVisible();
    await go(viewer);
    await viewer.expectLast('line 2005');
    await expect(viewer.pill).toBeHidden();
    folder.append('app.log', 'line 2006\n');
    await viewer.expectLast('line 2006');
  });
}

test('a pause freezes the picture and loses nothing', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 300))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 300');
  const before = await viewer.texts();
  await viewer.page.keyboard.press('=');
  await expect(viewer.status).toContainText('PAUSED');
  folder.append('app.log', numbered(301, 400));
  await expect(viewer.status).toContainText(/400 new/);
  expect(await viewer.texts()).toEqual(before);
  await viewer.page.keyboard.press('j');
  await viewer.page.keyboard.press('Shift+F');
  await viewer.expectLast('line 700');
  await viewer.page.keyboard.press('Home');
  await viewer.expectFirst('line 1');
});
