"""A mail as it travels: headers, plain text, and the same text as simple HTML. Pure.

What strangers typed stands in the text, never in a header but the subject, and cannot end a line there. An address
becomes a link only when it begins like one of our own.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from jinja2 import Environment

from streamhub.outbox.mail import MAX_SUBJECT_LENGTH, Letterhead, Mail
from streamhub.outbox.rules import plan_message_id
from streamhub.text import clean_line

POLICY = SMTP.clone(cte_type="7bit")
"""Lines end in CR LF, nothing but ASCII: every mail server takes that."""

_WEB = re.compile(r"(https?://[^\s<>\"']+)")
_METHOD = re.compile(r"^METHOD:([A-Z]+)\r?$", re.MULTILINE)
_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """\
<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ subject }}</title></head>
<body style="margin:0;padding:1.5rem;font:16px/1.5 sans-serif;color:#1d1c1a;background:#ffffff">
<div style="max-width:38rem;margin:0 auto">
{% for paragraph in paragraphs %}
<p style="margin:0 0 1em">
{%- for line in paragraph -%}
{% for text, link in line %}{% if link %}<a href="{{ text }}">{{ text }}</a>{% else %}{{ text }}{% endif %}{% endfor -%}
{% if not loop.last %}<br>
{% endif %}
{%- endfor -%}
</p>
{% endfor %}
</div>
</body>
</html>
"""
)


def build_letter(mail: Mail, head: Letterhead, *, at: datetime) -> EmailMessage:
    """The mail with every header, to be handed to a sender.

    Args:
        mail: the mail.
        head: who writes.
        at: when it is sent, UTC.
    """
    letter = EmailMessage(policy=POLICY)
    letter["Message-ID"] = f"<{plan_message_id(mail, head.domain)}>"
    letter["Date"] = format_datetime(at)
    letter["From"] = Address(display_name=_line(head.name) if head.name else "", addr_spec=head.address)
    letter["To"] = Address(addr_spec=mail.recipient)
    letter["Subject"] = _line(mail.subject)
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
    letter["X-Auto-Response-Suppress"] = "All"
    if mail.leave_url:
        letter["List-Unsubscribe"] = f"<{mail.leave_url}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    letter.set_content(mail.body.rstrip() + "\n", charset="utf-8", cte="quoted-printable")
    letter.add_alternative(render_html(mail, head.links), subtype="html", charset="utf-8", cte="quoted-printable")
    if mail.calendar:
        _add_calendar(letter, mail.calendar)
    letter["Content-Language"] = mail.language  # after the parts, which would take it along
    return letter


def _add_calendar(letter: EmailMessage, text: str) -> None:
    """Add an iCalendar text twice: for programs that look among the alternatives, and for those that look at files.

    See RFC 6047, section 2.4: the part's method is that of the text.
    """
    found = _METHOD.search(text)
    method = found[1] if found else "PUBLISH"
    letter.add_alternative(text, subtype="calendar", charset="utf-8", cte="base64", params={"method": method})
    letter.add_attachment(text.encode(), maintype="application", subtype="ics", filename="invite.ics")


def render_html(mail: Mail, links: tuple[str, ...]) -> str:
    """The text as a page; only addresses that begin like ours become links."""
    paragraphs = [
        [[(piece, _is_ours(piece, links)) for piece in _WEB.split(line) if piece] for line in block.split("\n")]
        for block in re.split(r"\n{2,}", mail.body.strip())
    ]
    return _PAGE.render(language=mail.language, subject=mail.subject, paragraphs=paragraphs)


def _is_ours(piece: str, links: tuple[str, ...]) -> bool:
    return any(piece == link or piece.startswith(f"{link.rstrip('/')}/") for link in links if link)


def _line(text: str) -> str:
    """One line without encoded words (RFC 2047): the library would decode a typed one, line ends and all."""
    return clean_line(text, max_length=4 * MAX_SUBJECT_LENGTH, what="subject").replace("=?", "= ?")
