"""An SMTP server for tests: prints its port, then one JSON line per mail it took.

The recipient's name says how it behaves: busy@ 451 at RCPT, nobody@ 550 at RCPT, later@ 452 after
the data, spam@ 554 after the data, hang@ never answers the data, cut@ closes after the data.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Behaviour:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "busy":
            return "451 4.2.1 mailbox busy"
        if name == "nobody":
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "later":
            return "452 4.3.1 no space"
        if name == "spam":
            return "554 5.7.1 refused"
        if name == "hang":
            await asyncio.sleep(60)
        if name == "cut":
            server.transport.abort()
            return "250 never seen"
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        seen = {
            "peer": session.peer[1],
            "tls": session.ssl is not None,
            "to": envelope.rcpt_tos,
            "from": str(message["From"]),
            "subject": str(message["Subject"]),
            "id": str(message["Message-ID"]),
            "auto": str(message["Auto-Submitted"]),
            "date": str(message["Date"]),
            "text": message.get_content(),
        }
        print(json.dumps(seen), flush=True)
        return "250 2.0.0 Ok: queued as Q1"


async def main():
    context = None
    if len(sys.argv) == 3:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])

    def serve():
        return SMTP(
            Behaviour(), hostname="localhost", tls_context=context, require_starttls=context is not None
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
