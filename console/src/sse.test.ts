import { expect, test } from 'vitest';
import { eventReader } from './sse';

function read(pieces: string[]): [string, string][] {
  const events: [string, string][] = [];
  const take = eventReader((name, data) => events.push([name, data]));
  for (const piece of pieces) take(piece);
  return events;
}

test('events come whole, however the text is cut', () => {
  const text = ': keep\n\nevent: warning\ndata: {"id":1}\n\nevent: time\r\ndata: a\r\ndata:b\r\n\r\ndata: x:y\n\n';
  const whole: [string, string][] = [['warning', '{"id":1}'], ['time', 'a\nb'], ['message', 'x:y']];
  expect(read([text])).toEqual(whole);
  expect(read([...text])).toEqual(whole);
});

test('what is not ended is no event', () => {
  expect(read(['event: warning\ndata: {"id":1}\n'])).toEqual([]);
  expect(read(['event: warning\n\n'])).toEqual([]);
});
