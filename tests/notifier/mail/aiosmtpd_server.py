"""A mail server by aiosmtpd on a free port of 127.0.0.1: TLS, then credentials, then mail.

Usage: aiosmtpd_server.py CERTIFICATE KEY MAILBOX USERNAME PASSWORD

Prints its port. Each mail that it takes becomes a file in the folder MAILBOX. Ends when its
standard input does.
"""
import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import AuthResult, SMTP

certificate, key, mailbox, username, password = sys.argv[1:]


class Mailbox:
    taken = 0

    async def handle_DATA(self, server, session, envelope):
        Mailbox.taken += 1
        path = pathlib.Path(mailbox, f"{Mailbox.taken}.eml")
        path.write_bytes(envelope.content)
        return f"250 taken as {Mailbox.taken}"


def authenticate(server, session, envelope, mechanism, data):
    # A failure that is not `handled` is answered by aiosmtpd.
    is_right = data.login == username.encode() and data.password == password.encode()
    return AuthResult(success=is_right, handled=False)


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            Mailbox(),
            hostname="mail.test",
            tls_context=tls,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=True,
        ),
        "127.0.0.1",
        0,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
