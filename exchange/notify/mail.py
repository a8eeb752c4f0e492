"""A notice by e-mail: SMTP under TLS alone (RFC 3207, RFC 8314), with the server's certificate checked and a time for everything."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from exchange.notify.message import Notice
from exchange.notify.ways import TLS, Mail

SECONDS = 15.0


def send(way: Mail, address: str, notice: Notice) -> None:
    """Hand the notice to the server. OSError or ``smtplib.SMTPException`` where it does not take it (the second is the first, too)."""
    context = ssl.create_default_context(cafile=way.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with _connected(way, context) as server:
        if way.user and way.password_file is not None:
            server.login(way.user, way.password_file.read_text(encoding="utf-8").strip())
        server.send_message(_message(way, address, notice), way.sender, [address])


def _connected(way: Mail, context: ssl.SSLContext) -> smtplib.SMTP:
    if way.security == TLS:
        return smtplib.SMTP_SSL(way.host, way.port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(way.host, way.port, timeout=SECONDS)
    try:
        server.starttls(context=context)  # a server that does not offer it gets nothing
    except BaseException:
        server.close()
        raise
    return server


def _message(way: Mail, address: str, notice: Notice) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = way.sender, address, notice.subject
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<{notice.id}@{way.sender.rpartition('@')[2]}>"  # the same for the same notice, however often it is sent
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers
    message.set_content(notice.text)
    return message
