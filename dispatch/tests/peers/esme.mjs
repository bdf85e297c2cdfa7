// A sender on the independent npm package `smpp`: what our simulated carrier is tested against.
//
// Sends a short and a long Chinese text and a default-alphabet one, waits for the receipts of all,
// asks after the link, unbinds. Prints one JSON line with everything it saw.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.PEER_MODULES, 'package.json'));
const smpp = require('smpp');
const [port, password] = process.argv.slice(2);

const seen = { bind: null, ids: [], statuses: [], receipts: [], enquired: null, unbound: null };
const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` });
const ask = (operation, fields) => new Promise((answer) => session[operation](fields, answer));

session.on('deliver_sm', (pdu) => {
  seen.receipts.push({
    from: pdu.source_addr, esm: pdu.esm_class, text: pdu.short_message.message,
    id: pdu.receipted_message_id ?? null, state: pdu.message_state ?? null,
  });
  session.send(pdu.response());
});

await new Promise((connected) => session.on('connect', connected));
seen.bind = (await ask('bind_transceiver', { system_id: 'sanfang', password })).command_status;
if (seen.bind === 0) {
  const to = { source_addr: '10657512379', destination_addr: '8613800000001', registered_delivery: 1 };
  const udh = (number) => Buffer.from([5, 0, 3, 9, 2, number]);
  const texts = [
    { short_message: { message: '暴雨红色预警' } },
    { short_message: { udh: udh(1), message: '请立即转移到安全处，' } },
    { short_message: { udh: udh(2), message: '远离低洼地带。' } },
    // Left to itself the package says data_coding 1 (IA5) and writes the GSM alphabet.
    { data_coding: 0, short_message: { message: 'Leave the tunnel @ once {now}' } },
  ];
  for (const text of texts) {
    const answer = await ask('submit_sm', { ...to, ...text });
    seen.statuses.push(answer.command_status);
    seen.ids.push(answer.message_id);
  }
  while (seen.receipts.length < texts.length) await new Promise((soon) => setTimeout(soon, 10));
  seen.enquired = (await ask('enquire_link', {})).command_status;
  seen.unbound = (await ask('unbind', {})).command_status;
}
process.stdout.write(JSON.stringify(seen) + '\n');
process.exit(0);
