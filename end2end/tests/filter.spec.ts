// Filtering: only what matches is shown, with its own numbers, and no place is lost over it.
import { expect, expectAccessible, test } from '../fixtures/test';

/** Lines of which every hundredth is an error, the others served; some ask for their health. */
function lines(from: number, to: number): string {
  const line = (n: number) => {
    if (n % 100 === 0) return `line ${n} ERROR upstream timed out`;
    return n % 10 === 5 ? `line ${n} INFO GET /healthz` : `line ${n} INFO GET /cart`;
  };
  return Array.from({ length: to - from + 1 }, (_, at) => `${line(from + at)}\n`).join('');
}

test('what does not match is hidden as it is typed, and numbers stay their own', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 30_000))]);
  await viewer.open(server, 'logs/app.log');
  const { keyboard } = viewer.page;
  await keyboard.press('&');
  await expect(viewer.narrow).toBeFocused();
  await keyboard.type('timed out');
  await viewer.expectLast('line 30000 ERROR upstream timed out');
  await expect.poll(async () => (await viewer.texts()).every((text) => text.includes('timed out'))).toBe(true);
  await expect(viewer.taken).toHaveText(/^300 of 30\s?000 lines$/);
  await keyboard.press('Enter');
  await expect(viewer.chip('timed out')).toHaveAttribute('aria-pressed', 'true');
  await expect(viewer.rows.last().locator('.num')).toHaveText(/^30\s?000$/);
  await expect(viewer.page).toHaveURL(/[?&]f=timed%20out/);
  await expect(viewer.status).toContainText('LIVE');
  // The whole of it can be read: to the first and back.
  await keyboard.press('g');
  await viewer.expectFirst('line 100 ERROR upstream timed out');
  await keyboard.press('G');
  await viewer.expectLast('line 30000 ERROR upstream timed out');
});

test('new lines that match are shown as they come, the others are not', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 1000))]);
  await viewer.open(server, 'logs/app.log', '?f=timed');
  await viewer.expectLast('line 1000 ERROR upstream timed out');
  folder.append('app.log', lines(1001, 1150));
  await viewer.expectLast('line 1100 ERROR upstream timed out');
  await expect(viewer.taken).toHaveText(/^11 of /);
  await viewer.page.keyboard.press('k');
  folder.append('app.log', lines(1151, 1350));
  await expect(viewer.pill).toContainText('2 new, 2 errors');
  await viewer.page.keyboard.press('F');
  await viewer.expectLast('line 1300 ERROR upstream timed out');
});

test('chips include, exclude, are switched off and taken away', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 1000))]);
  await viewer.open(server, 'logs/app.log');
  const { keyboard } = viewer.page;
  await keyboard.press('&');
  await keyboard.type('!healthz');
  await keyboard.press('Enter');
  await expect(viewer.taken).toHaveText(/^900 of /);
  await expect(viewer.page).toHaveURL(/[?&]x=healthz/);
  await viewer.level('ERROR').click();
  await expect(viewer.taken).toHaveText(/^10 of /);
  await expect(viewer.page).toHaveURL(/[?&]lv=error/);
  await expectAccessible(viewer.page);
  await viewer.level('ERROR').click();
  await viewer.chip('healthz').click();
  await expect(viewer.chip('healthz')).toHaveAttribute('aria-pressed', 'false');
  await viewer.expectLast('line 1000 ERROR upstream timed out');
  await expect.poll(async () => (await viewer.texts()).includes('line 995 INFO GET /healthz')).toBe(true);
  await viewer.chip('healthz').click();
  await expect.poll(async () => (await viewer.texts()).includes('line 995 INFO GET /healthz')).toBe(false);
  await viewer.lines.focus();
  await keyboard.press('x');
  await expect.poll(async () => (await viewer.texts()).includes('line 995 INFO GET /healthz')).toBe(true);
  await keyboard.press('x');
  await expect.poll(async () => (await viewer.texts()).includes('line 995 INFO GET /healthz')).toBe(false);
  await viewer.page.getByRole('button', { name: 'Remove healthz' }).click();
  await expect(viewer.chip('healthz')).toHaveCount(0);
  await expect(viewer.page).not.toHaveURL(/x=/);
});

test('a line is opened among all others, and the way back is there', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 5000))]);
  await viewer.open(server, 'logs/app.log', '?f=%2Fline%202500%20%2F&c=2');
  await viewer.expectLast('line 2502 INFO GET /cart');
  expect(await viewer.texts()).toHaveLength(5);
  await expect(viewer.rows.filter({ hasText: 'line 2499' })).toHaveClass(/aside/);
  await viewer.rows.filter({ hasText: 'line 2500' }).locator('.text').click();
  await viewer.page.keyboard.press('o');
  await expect.poll(async () => (await viewer.texts()).length).toBeGreaterThan(20);
  await expect.poll(async () => (await viewer.texts()).includes('line 2503 INFO GET /cart')).toBe(true);
  await viewer.page.goBack();
  await expect.poll(async () => (await viewer.texts()).length).toBe(5);
});

test('lines like this one are hidden', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 995))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.rows.filter({ hasText: 'line 995' }).locator('.text').click();
  await viewer.page.keyboard.press('X');
  await viewer.expectLast('line 994 INFO GET /cart');
  await expect.poll(async () => (await viewer.texts()).some((text) => text.includes('/healthz'))).toBe(false);
});

test('that nothing matches is said of the whole log, and what is wrong at its place', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 10_000))]);
  await viewer.open(server, 'logs/app.log', '?f=nowhere');
  await expect(viewer.page.getByRole('heading', { name: /^no line of 10\s?000 matches$/ })).toBeVisible();
  await expect(viewer.page.getByText(/^whole log, .*s\. /)).toBeVisible();
  folder.append('app.log', 'now it is nowhere to be missed\n');
  await viewer.expectLast('now it is nowhere to be missed');
  await viewer.page.keyboard.press('&');
  await viewer.narrow.fill('served /(oops/');
  const alert = viewer.page.getByRole('alert');
  await expect(alert.locator('mark')).toContainText('(');
  await expect(viewer.narrow).toHaveAttribute('aria-invalid', 'true');
  await expectAccessible(viewer.page);
  await viewer.narrow.press('Escape');
  await expect(alert).toHaveCount(0);
  await viewer.expectLast('now it is nowhere to be missed');
});

test('hits are found among what is shown', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 10_000))]);
  await viewer.open(server, 'logs/app.log', '?lv=error&q=line');
  await expect(viewer.found).toHaveText('100 hits');
  await viewer.page.keyboard.press('N');
  await expect(viewer.found).toHaveText('100 of 100');
  await viewer.page.keyboard.press('N');
  await expect(viewer.found).toHaveText('99 of 100');
});

test('a rotation stays visible in what is shown', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 300))]);
  await viewer.open(server, 'logs/app.log', '?f=timed');
  await viewer.expectLast('line 300 ERROR upstream timed out');
  folder.rotate('app.log');
  folder.append('app.log', lines(301, 450));
  await viewer.expectLast('line 400 ERROR upstream timed out');
  await expect(viewer.notices.filter({ hasText: 'rotated' })).toHaveCount(1);
});
