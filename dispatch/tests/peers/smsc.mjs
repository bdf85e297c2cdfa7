// A message centre on the independent npm package `smpp`: what our link is tested against.
//
// Prints one JSON line for each thing that happens. Destinations decide its behaviour by their
// last digit: 9 is throttled twice and then taken, 8 is never answered, 7 is answered late,
// 6 is refused for good; with PEER_PLAIN set they are all alike. Identifiers are hexadecimal in
// answers; receipts spell them in turn as answered, in lower case, and in decimal. A line
// {"from", "text"} on standard input is a phone that writes back.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.env.PEER_MODULES, 'package.json'));
const smpp = require('smpp');
const plain = Boolean(process.env.PEER_PLAIN);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

let nextId = 0xa0;
const throttled = new Map();
const parts = new Map();
const bound = new Set();

function textOf(pdu) {
  const { message, udh } = pdu.short_message;
  if (!udh) return { text: message, total: 1 };
  const [element] = udh;
  const [reference, total, number] = element.length > 3 ? element.slice(2) : element;
  const key = `${pdu.destination_addr}/${reference}`;
  const whole = parts.get(key) ?? [];
  whole[number - 1] = message;
  parts.set(key, whole);
  if (whole.filter((part) => part !== undefined).length < total) return null;
  parts.delete(key);
  return { text: whole.join(''), total };
}

function report(session, pdu, id) {
  const number = parseInt(id, 16);
  const spelled = [id, id.toLowerCase(), String(number)][number % 3];
  session.deliver_sm({
    esm_class: 4,
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    short_message: `id:${spelled} sub:001 dlvrd:001 submit date:2309071304 done date:2309071305 stat:DELIVRD err:000 text:`,
  }, () => say({ receipt_taken: id }));
}

function submit(session, pdu) {
  const to = pdu.destination_addr;
  const ends = (digit) => !plain && to.endsWith(digit);
  if (ends('8')) return say({ silent: to });
  if (ends('6')) return session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
  if (ends('9') && (throttled.get(to) ?? 0) < 2) {
    throttled.set(to, (throttled.get(to) ?? 0) + 1);
    say({ throttled: to });
    return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
  }
  const id = (nextId++).toString(16).toUpperCase().padStart(8, '0');
  const answer = () => {
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery & 1) report(session, pdu, id);
  };
  const whole = textOf(pdu);
  if (whole) {
    say({
      taken: to, ...whole, coding: pdu.data_coding, esm: pdu.esm_class,
      validity: pdu.validity_period, from: pdu.source_addr,
    });
  }
  if (ends('7')) setTimeout(answer, 900); else answer();
}

const server = smpp.createServer((session) => {
  session.on('error', () => {});
  session.on('close', () => bound.delete(session));
  session.on('bind_transceiver', (pdu) => {
    const known = pdu.system_id === 'sanfang' && pdu.password === 'secret';
    say({ bind: pdu.system_id, known, version: pdu.interface_version });
    session.send(pdu.response(known ? {} : { command_status: smpp.ESME_RINVPASWD }));
    if (known) bound.add(session);
  });
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => {
    say({ enquired: true });
    session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    say({ unbound: true });
    session.send(pdu.response());
    session.close();
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => say({ port: server.address().port }));

createInterface({ input: process.stdin }).on('line', (line) => {
  const { from, text } = JSON.parse(line);
  const [session] = bound;
  if (!session) return say({ unbound_reply: from });
  session.deliver_sm({ source_addr: from, destination_addr: '10657512379', short_message: text },
    (answer) => say({ reply_taken: from, status: answer.command_status }));
});
