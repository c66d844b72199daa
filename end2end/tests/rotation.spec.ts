// Whatever becomes of the file, the page goes on, and says what happened in a row of its own.
import { numbered } from '../fixtures/folder';
import { expect, test } from '../fixtures/test';

for (const [what, notice, change] of [
  ['rename and create', /rotated/i, (folder) => folder.rotate('app.log')],
  ['copytruncate', /truncated/i, (folder) => folder.copyTruncate('app.log')],
  [
    'delete and recreate',
    /deleted|recreated/i,
    (folder) => {
      folder.remove('app.log');
      folder.write('app.log', '');
    },
  ],
] as [string, RegExp, (folder: import('../fixtures/folder').Folder) => void][]) {
  test(`${what}: nothing is missed, and a row says it`, async ({ folder, serve, viewer }) => {
    const server = await serve([folder.write('app.log', numbered(1, 5))]);
    await viewer.open(server, 'logs/app.log');
    await viewer.expectLast('line 5');
    folder.append('app.log', numbered(6, 5));
    change(folder);
    folder.append('app.log', numbered(11, 5));
    await viewer.expectLast('line 15');
    await expect.poll(() => viewer.texts()).toEqual(numbered(1, 15).trimEnd().split('\n'));
    await expect(viewer.notices.filter({ hasText: notice })).toBeVisible();
  });
}

test('a log that is named before it is there is shown when it comes', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.file('late.log')]);
  await viewer.signIn(server);
  await viewer.page.goto(server.address('logs/late.log'));
  await expect(viewer.page.getByText(/waiting/i).first()).toBeVisible();
  folder.write('late.log', numbered(1, 3));
  await viewer.expectLast('line 3');
  folder.append('late.log', 'line 4\n');
  await viewer.expectLast('line 4');
});

test('a deleted log is said to be so, and can still be read', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 100))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 100');
  folder.remove('app.log');
  await expect(viewer.status).toContainText(/deleted/i);
  await viewer.page.keyboard.press('Home');
  await viewer.expectFirst('line 1');
});
