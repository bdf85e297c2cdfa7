"""A message centre on the independent package smpp34: prints one JSON line for each thing that happens.

Prints its port first. Destinations that end in 9 are throttled once and then taken; all others are
taken, and a receipt follows for whoever asked for one.
"""

import asyncio
import json
import socket

import smpp34


def say(**line):
    print(json.dumps(line), flush=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def main():
    port = free_port()
    server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
    await server.start()
    say(port=port)
    sessions, throttled, count, waiting = {}, set(), 0xA0, set()

    def taken(task):
        waiting.discard(task)
        say(receipt_taken=task.result().command_status)

    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            sessions[event.session_id] = event
            say(bind=event.system_id, receives=event.can_receive)
        elif isinstance(event, smpp34.Unbound):
            sessions.pop(event.session_id, None)
            say(unbound=True)
        else:
            to = event.destination_addr
            if to.endswith("9") and to not in throttled:
                throttled.add(to)
                event.reject(smpp34.ESME_RTHROTTLED)
                say(throttled=to)
                continue
            count += 1
            identifier = f"{count:08X}"
            event.accept(identifier)
            say(
                taken=to,
                source=event.source_addr,
                esm=event.esm_class,
                coding=event.data_coding,
                octets=event.short_message.hex(),
            )
            if event.registered_delivery & 1:
                text = f"id:{identifier} sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
                deliver = sessions[event.session_id].deliver_sm(
                    source_addr=to,
                    destination_addr=event.source_addr,
                    short_message=text.encode(),
                    esm_class=4,
                )
                waiting.add(task := asyncio.ensure_future(deliver))
                task.add_done_callback(taken)


asyncio.run(main())
