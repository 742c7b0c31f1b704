"""A real mail server (aiosmtpd) for one test, with a certificate of an authority of its own."""

import asyncio
import email
import email.policy
import pathlib
import ssl
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from .platform import free_ports

USER, PASSWORD = "shop", "p:w/d secret"
URL_CREDENTIALS = "shop:p%3Aw%2Fd%20secret"


class Authority:
    """A certificate authority, and a certificate for 127.0.0.1 and localhost from it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.folder / "ca.pem"
        names = self.folder / "names.txt"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
        self._openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        self._openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "names.txt", "-out", "server.pem")
        self.folder.chmod(0o755)
        self.ca_file.chmod(0o644)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)


class Mail:
    """A mail that the server has taken."""

    def __init__(self, envelope, session, transport):
        self.sender = envelope.mail_from
        self.recipients = list(envelope.rcpt_tos)
        self.encrypted = transport.get_extra_info("ssl_object") is not None
        self.authenticated = session.authenticated
        self.message = email.message_from_bytes(envelope.content, policy=email.policy.default)

    @property
    def message_id(self):
        return self.message["Message-ID"]

    def part(self, kind):
        return self.message.get_body((kind,)).get_content()


class MailServer:
    """Listens until closed. `recipient_reply` and `text_reply` are what it answers; None takes the mail. With
    `dies_after_text` it takes the next mail and closes the connection without a word."""

    def __init__(self, port=None, context=None, starttls=False, login=None):
        self.port = port or free_ports(1)[0]
        self.mails = []
        self.verbs = []
        self.recipient_reply = None
        self.text_reply = None
        self.dies_after_text = False
        options = {}
        if login is not None:
            options = {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": starttls,
                       "auth_exclude_mechanism": [name for name in ("PLAIN", "LOGIN") if name != login]}
        if starttls:
            options |= {"tls_context": context, "require_starttls": True}
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port,
                                      ssl_context=None if starttls else context)
        self._controller.factory = lambda: _Listening(self, **options)
        self._controller.start()

    def close(self):
        self._controller.stop()

    @staticmethod
    def _authenticate(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    # --- called by aiosmtpd ------------------------------------------------------------------

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.recipient_reply:
            return self.recipient_reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.text_reply:
            return self.text_reply
        self.mails.append(Mail(envelope, session, server.transport))
        if self.dies_after_text:
            self.dies_after_text = False
            server.transport.abort()
            await asyncio.sleep(0)
        return "250 OK"


class _Listening(SMTP):
    """Remembers that a mail or a login was begun."""

    def __init__(self, server, **options):
        super().__init__(server, enable_SMTPUTF8=True, **options)
        self._verbs = server.verbs

    async def smtp_MAIL(self, arg):
        self._verbs.append("MAIL")
        await super().smtp_MAIL(arg)

    async def smtp_AUTH(self, arg):
        self._verbs.append("AUTH")
        await super().smtp_AUTH(arg)
