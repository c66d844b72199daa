// The same address for a program: a log's lines as they are.
import { numbered } from '../fixtures/folder';
import { expect, test } from '../fixtures/test';

test('curl is given the lines themselves at the address of the page', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', numbered(1, 50))]);
  const answer = await server.ask('/s/logs/app.log?n=3');
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(answer.body).toBe('line 48\nline 49\nline 50\n');
});

test('a reader that follows is given every line once and in order', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', numbered(1, 10))]);
  const response = await fetch(server.address('logs/app.log', '?n=2&follow=1'), {
    headers: { authorization: 'Bearer a-token-for-the-tests-alone' },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (last: string) => {
    while (!text.endsWith(`${last}\n`)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`the server ended the stream after:\n${text}`);
      text += value;
    }
  };
  await until('line 10');
  folder.append('app.log', numbered(11, 500));
  await until('line 510');
  folder.rotate('app.log');
  folder.append('app.log', numbered(511, 5));
  await until('line 515');
  await reader.cancel();
  expect(text).toBe(numbered(9, 507));
});

test('the list of logs is text, too', async ({ folder, serve }) => {
  const one = folder.write('one.log', 'x\n');
  const two = folder.write('two.log', 'y\n');
  const server = await serve([one, two]);
  const { body } = await server.ask('/');
  expect(body.split('\n').map((line) => line.split('\t')[0])).toEqual(['logs/one.log', 'logs/two.log', '']);
});
