"""Takes an e-mail apart: its header, its bodies, its attachments, and which part of a body is an older message."""

import email
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import policy
from email.message import MIMEPart

from .clean import BLANK_LINES, decode

SHOWN = ("Subject", "From", "To", "Cc", "Date")
CALENDARS = ("text/calendar", "application/ics")
SEALS = (
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
    "application/pgp-encrypted",
)
SEPARATOR = re.compile(r"\s*[-_]{3,}\s*\w[\w .'’-]*?\s*[-_]{3,}\s*$")
FIELD = re.compile(r"\s*\*{0,2}([^\W\d_][\w-]{0,15}(?: \w{1,10})?)\s*:\*{0,2}[ \t\xa0]*(.*)$")
SENDER = re.compile(
    r"from|von|de|da|fra|från|van|od|lähettäjä|absender|expéditeur|remitente|mittente|afzender", re.IGNORECASE
)
WHEN = re.compile(r"sent|date|gesendet|datum|envoyé|enviado|inviato|data|fecha|sendt|skickat|verzonden", re.IGNORECASE)
WROTE = re.compile(
    r"\s*(?:on|am|le|el|il|op|den|em)\b.*\d.*\b"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|skrev|escreveu)\b[^\n]{0,120}:\s*$",
    re.IGNORECASE,
)
QUOTED = re.compile(r"\s{0,3}>+ ?")
TELLING = re.compile(r"[^\W\d_]{4,}")
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n\s*\n")
OF_THE_SAME = 0.5
"""Share of a quoted sentence's telling words that the newest message has too, from which on it speaks of the same."""
FEWEST_FIELDS = 4
"""Lines such as From:, Sent:, To:, Subject: that begin an older message when no line of dashes says so."""


@dataclass(frozen=True)
class Attachment:
    """A file that was sent along; `shown` if it stands in the message, such as a logo."""

    name: str
    content: bytes
    shown: bool


@dataclass(frozen=True)
class Body:
    """A text of the message, as plain text or as HTML."""

    text: str
    is_html: bool


@dataclass(frozen=True)
class Mail:
    """A message taken apart; `header` is one paragraph for each field that readers see, `names` are all fields."""

    subject: str
    names: tuple[str, ...]
    header: str
    bodies: tuple[Body, ...]
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True)
class QuotedMessage:
    """An older message inside a newer one, and whose it is as far as that is told."""

    source: str
    text: str


def parse(content: bytes) -> Mail:
    """A message of RFC 5322 from its bytes; what is malformed is read as far as it goes."""
    message: MIMEPart = email.message_from_bytes(content, policy=policy.default)
    fields = {name: _field(message, name) for name in SHOWN}
    bodies: list[Body] = []
    attachments: list[Attachment] = []
    for part in _parts(message):
        found = _body(part) if not _is_attached(part) else None
        if found is None:
            attachments += [_attachment(part)] if part.get_content_type() not in SEALS else []
        else:
            bodies.append(found)
    return Mail(fields["Subject"], tuple(message.keys()), header_of(fields), tuple(bodies), tuple(attachments))


def header_of(fields: Mapping[str, str]) -> str:
    """The fields that readers see, as one paragraph for each."""
    return "\n\n".join(f"**{name}**: {value}" for name, value in fields.items() if value)


def _field(message: MIMEPart, name: str) -> str:
    try:
        value = str(message.get(name) or "")
    except (AttributeError, IndexError, TypeError, ValueError):
        # Python's parser of structured fields fails on some malformed ones; as they are written they can still be read.
        value = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(value.encode("utf-8", "replace").decode("utf-8").split())


def _parts(message: MIMEPart) -> Iterator[MIMEPart]:
    """The parts that are no containers; of alternatives the richest that says something, and no invitation."""
    if message.get_content_maintype() != "multipart":
        yield message
        return
    parts = [part for part in message.iter_parts() if isinstance(part, MIMEPart)]
    if message.get_content_subtype() == "alternative":
        parts = [part for part in parts if part.get_content_type() not in CALENDARS]
        texts = [part for part in parts if part.is_multipart() or part.get_content_maintype() == "text"]
        best = [part for part in texts if _says(part)][-1:]
        parts = [part for part in parts if part in best or part not in texts]
    for part in parts:
        yield from _parts(part)


def _says(part: MIMEPart) -> bool:
    texts = [leaf for leaf in part.walk() if leaf.get_content_maintype() == "text"]
    return any(re.search(r"\w", re.sub(r"<[^>]*>", "", _text(leaf))) for leaf in texts if isinstance(leaf, MIMEPart))


def _is_attached(part: MIMEPart) -> bool:
    try:
        return part.get_content_disposition() == "attachment"
    except (AttributeError, IndexError, TypeError, ValueError):
        return False


def _body(part: MIMEPart) -> Body | None:
    kind = part.get_content_type()
    if kind == "text/html":
        return Body(_text(part), True)
    return Body(_text(part), False) if kind in ("text/plain", "text/markdown", "text/enriched") else None


def _text(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return str(part.get_payload() or "")
    try:
        return content.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeError):
        return decode(content)


def _attachment(part: MIMEPart) -> Attachment:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = part.get_payload(0) if part.is_multipart() else part
        name = _field(inner, "Subject") if isinstance(inner, MIMEPart) else ""
        content = inner.as_bytes() if isinstance(inner, MIMEPart) else b""
        return Attachment(f"{name or 'message'}.eml", content, False)
    payload = part.get_payload(decode=True)
    name = part.get_filename() or f"{part.get_content_subtype()}{mimetypes.guess_extension(kind) or ''}"
    shown = part.get_content_maintype() == "image" and not _is_attached(part)
    return Attachment(" ".join(name.split()), payload if isinstance(payload, bytes) else b"", shown)


def split_quoted(text: str) -> tuple[str, tuple[QuotedMessage, ...]]:
    """The newest message of a body, and the older ones that it quotes below or between its lines."""
    lines = text.split("\n")
    newest: list[str] = []
    quotes: list[tuple[str, list[str]]] = []
    place = 0
    older = False
    while place < len(lines):
        length, source = _beginning(lines, place)
        start = place + length
        if not older and _is_marked(lines, start):
            place = next((at for at in range(start, len(lines)) if not _is_marked(lines, at)), len(lines))
            quotes.append((source, lines[start:place]))
        elif length:
            older = True
            quotes.append((source, []))
            place = start
        else:
            (quotes[-1][1] if older else newest).append(lines[place])
            place += 1
    older_ones = (QuotedMessage(source, _unmarked(quoted)) for source, quoted in quotes)
    return BLANK_LINES.sub("\n\n", "\n".join(newest)).strip(), tuple(quote for quote in older_ones if quote.text)


def _is_marked(lines: list[str], at: int) -> bool:
    """Whether the next line that says something is marked as a quoted one."""
    following = next((line for line in lines[at:] if line.strip()), "")
    return QUOTED.match(following) is not None


def _unmarked(lines: list[str]) -> str:
    marked = all(QUOTED.match(line) for line in lines if line.strip())
    return "\n".join(re.sub(r"^\s{0,3}(?:> ?)+", "", line) if marked else line for line in lines).strip()


def _beginning(lines: list[str], place: int) -> tuple[int, str]:
    """How many lines at this place begin an older message, and whose it is; 0 for none."""
    if SEPARATOR.match(lines[place]):
        length, fields = _fields(lines, place + 1)
        if len(fields) > 1:
            return 1 + length, _sender(fields)
    first = FIELD.match(lines[place])
    if first and SENDER.fullmatch(first[1]):
        length, fields = _fields(lines, place)
        if len(fields) >= FEWEST_FIELDS:
            return length, _sender(fields)
    for count in (1, 2):
        words = " ".join(line.strip() for line in lines[place : place + count])
        if len(words) < 300 and WROTE.match(words):
            return count, words.strip(" :")
    return 0, ""


def _fields(lines: list[str], place: int) -> tuple[int, list[tuple[str, str]]]:
    fields: list[tuple[str, str]] = []
    end = place
    for at in range(place, len(lines)):
        match = FIELD.match(lines[at])
        if match and not (fields and not lines[at - 1].strip() and not lines[at].lstrip().startswith("*")):
            fields.append((match[1], match[2].strip(" *")))
            end = at + 1
        elif lines[at].strip():
            break
    return end - place, fields


def _sender(fields: list[tuple[str, str]]) -> str:
    who = next((value for name, value in fields if SENDER.fullmatch(name)), "")
    when = next((value for name, value in fields if WHEN.fullmatch(name)), "")
    return ", ".join(part for part in (who, when) if part)


def not_superseded(quoted: str, newest: str) -> str:
    """What an older message says that the newest does not speak of, such as a date that has changed since."""
    known = {word.lower() for word in TELLING.findall(newest)}
    kept = []
    for sentence in SENTENCE_END.split(quoted):
        words = {word.lower() for word in TELLING.findall(sentence)}
        if not words or len(words & known) < OF_THE_SAME * len(words):
            kept.append(sentence)
    return "\n\n".join(sentence for sentence in kept if sentence.strip())
