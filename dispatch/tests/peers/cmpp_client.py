"""A CMPP 2.0 client on the independent package pycmpp: prints one JSON line per answer it reads.

Arguments: port, account, secret. Sends a short text to two phones and a long one to a third, asks for
reports, and ends with a heart-beat and a logout of its own. What pycmpp does not read (deliveries) is
cut by hand from the bytes it received, and answered by it as it answers nothing else.
"""

import json
import logging
import socket
import sys
import threading

from pycmpp import Cmpp, handlers
from pycmpp.request import ActiveTestRequestInstance, TerminateRequestInstance

SHORT = "【市三防】暴雨红色预警生效"
LONG = "暴雨红色预警，立即转移到高处，远离涵洞、地下室和河边，听从社区干部指挥。" * 3

logging.disable(logging.CRITICAL)
port, account, secret = int(sys.argv[1]), sys.argv[2], sys.argv[3]
client = Cmpp("127.0.0.1", port, account, secret, "10657512379", delivery=1, client_heartbeat=False)


def say(**line):
    print(json.dumps(line), flush=True)


class Connected(handlers.CmppConnectRespHandler):
    def __call__(self):
        resp = handlers.ConnectResponseInstance()
        resp.resolve(self.message)
        say(login=resp.status)
        if resp.status != 0:
            self.cmpp.close()
            raise SystemExit
        self.cmpp.submit(SHORT, ["13800000001", "13800000002"])
        self.cmpp.submit(LONG, ["13800000003"])
        self.cmpp.send(ActiveTestRequestInstance().create())


class Submitted(handlers.CmppSubmitRespHandler):
    def __call__(self):
        resp = handlers.SubmitResponseInstance()
        resp.resolve(self.message)
        say(submitted=resp.status, id=str(resp.msg_id))


class There(handlers.CmppActiveTestRespHandler):
    def __call__(self):
        say(there=True)
        self.cmpp.send(TerminateRequestInstance().create())


for handler in (Connected, Submitted, There):
    client.handlers[handler.command_id] = handler


def receive():
    """pycmpp's own loop, but for its end: it sleeps and reads on for good where the gateway closed."""
    left = b""
    while True:
        octets = client.so.recv(65536)
        if not octets:
            return
        left += octets
        while len(left) >= 12:
            length = int.from_bytes(left[:4], "big")
            if len(left) < length:
                break
            message, left = left[:length], left[length:]
            command = int.from_bytes(message[4:8], "big")
            if command == 0x80000002:
                say(left=True)
                return
            handler = client.handlers.get(command)
            if handler is None:
                say(other=f"{command:08x}", length=length)
            else:
                handler(client, message)()


client.so.settimeout(10)
client.connect()
client.auth()
try:
    receive()
except socket.timeout:
    say(timeout=True)
