"""An SMTP server that keeps what it is given.

Usage: sink.py FOLDER PLAIN_PORT TLS_PORT CERTIFICATE KEY

Every accepted message becomes two files in FOLDER: NUMBER.eml, the bytes as they were sent, and NUMBER.json, its
envelope. The envelope is written first, and both appear whole or not at all, so whoever sees NUMBER.eml can read both.

PLAIN_PORT takes anything without TLS. TLS_PORT takes nothing before STARTTLS and a login as USER with PASSWORD.
Both know SMTPUTF8, refuse the recipient `rejected@...` for good (550) and `later@...` for now (451).
"""

import asyncio
import itertools
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER = b"goatherd"
PASSWORD = b"only for the tests"
LARGEST = 64 * 1024 * 1024


class Sink:
    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0].strip("<").lower()
        if name == "rejected":
            return "550 5.1.1 no such mailbox"
        if name == "later":
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        number = f"{next(self.numbers):06}"
        described = {
            "mail_from": envelope.mail_from,
            "mail_options": envelope.mail_options,
            "rcpt_tos": envelope.rcpt_tos,
            "smtp_utf8": envelope.smtp_utf8,
            "helo": session.host_name,
            "tls": session.ssl is not None,
            "user": session.auth_data.login.decode() if session.authenticated else None,
        }
        self.put(f"{number}.json", json.dumps(described).encode())
        self.put(f"{number}.eml", envelope.original_content)
        return f"250 OK {number}"

    def put(self, name, content):
        unfinished = os.path.join(self.folder, f".{name}")
        with open(unfinished, "wb") as file:
            file.write(content)
        os.rename(unfinished, os.path.join(self.folder, name))


def authenticate(server, session, envelope, mechanism, login):
    right = isinstance(login, LoginPassword) and (login.login, login.password) == (USER, PASSWORD)
    return AuthResult(success=right, handled=False, auth_data=login)


async def main(folder, plain_port, tls_port, certificate, key):
    sink = Sink(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The greeting has the process, by which whoever started it knows that nobody else answers on the port.
    shared = {
        "enable_SMTPUTF8": True,
        "data_size_limit": LARGEST,
        "hostname": "sink.test",
        "ident": f"sink of process {os.getpid()}",
    }
    secured = {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": authenticate,
    }
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: SMTP(sink, **shared, **secured), "127.0.0.1", int(tls_port)),
        await loop.create_server(lambda: SMTP(sink, **shared), "127.0.0.1", int(plain_port)),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main(*sys.argv[1:]))
