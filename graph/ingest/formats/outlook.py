"""Takes a message of Outlook (.msg) apart into what an e-mail is made of: the only file that knows olefile."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_string

from olefile import OleFileIO

from ..document import Refused
from .clean import decode
from .mail import Attachment, Body, Mail, header_of

SUBJECT, SENDER, ADDRESS, TO, CC, HEADERS = "0037", "0C1A", "5D01", "0E04", "0E03", "007D"
PLAIN, HTML, RTF = "1000", "1013", "1009"
NAMES, DATA, DISPLAYED = ("3707", "3704", "3001"), "3701", "3001"
SENT = bytes.fromhex("40003900")
"""The property of the time of sending among those of a fixed size, as its type and number are written."""
ATTACHED = "__attach_version1.0_#"
MESSAGE = "__substg1.0_3701000D"
RTF_ALONE = "its text, which it holds as RTF alone, was not read; save the message as .eml"
Place = tuple[str, ...]


def parse(content: bytes) -> tuple[Mail, tuple[str, ...]]:
    """A message of Outlook, and what of it was not read; raises Refused."""
    try:
        with OleFileIO(io.BytesIO(content)) as file:
            return _Message(file, ()).parsed()
    except (OSError, IndexError, ValueError) as error:
        raise Refused(f"corrupt: {error}") from error


class _Message:
    """The message at one place of the file, which may be attached to another one."""

    def __init__(self, file: OleFileIO, place: Place) -> None:
        self.file, self.place = file, place

    def parsed(self) -> tuple[Mail, tuple[str, ...]]:
        subject, html, plain = self._text(SUBJECT), self._text(HTML), self._text(PLAIN)
        names = tuple(message_from_string(self._text(HEADERS)).keys())
        sender = f"{self._text(SENDER)} <{self._text(ADDRESS)}>".removesuffix(" <>")
        fields = {"Subject": subject, "From": sender, "To": self._text(TO), "Cc": self._text(CC), "Date": self._sent()}
        bodies = [Body(html or plain, bool(html))] if html or plain else []
        unread = (RTF_ALONE,) if not bodies and self._bytes(RTF, "0102") else ()
        return Mail(subject, names, header_of(fields), tuple(bodies), tuple(self._attachments())), unread

    def _attachments(self) -> Iterator[Attachment]:
        depth = len(self.place)
        entries = [entry[depth] for entry in self.file.listdir(streams=False, storages=True) if len(entry) == depth + 1]
        for storage in sorted(entry for entry in entries if entry.startswith(ATTACHED)):
            part = _Message(self.file, (*self.place, storage))
            name = next(filter(None, map(part._text, NAMES)), "attachment")
            if self.file.exists([*part.place, MESSAGE]):
                inner = _Message(self.file, (*part.place, MESSAGE))
                yield Attachment(f"{name}.eml", inner.as_mail(), False)
                yield from inner._attachments()
            else:
                yield Attachment(name, part._bytes(DATA, "0102"), False)

    def as_mail(self) -> bytes:
        """The text of an attached message as an e-mail of its own."""
        kind, text = ("html", self._text(HTML)) if self._text(HTML) else ("plain", self._text(PLAIN))
        head = f"Subject: {self._text(SUBJECT)}\nFrom: {self._text(SENDER)}\nDate: {self._sent()}"
        return f"{head}\nMIME-Version: 1.0\nContent-Type: text/{kind}; charset=utf-8\n\n{text}".encode()

    def _text(self, number: str) -> str:
        """A property as text: in UTF-16, in an old code page, or as the bytes of a page of HTML."""
        if wide := self._bytes(number, "001F"):
            text = wide.decode("utf-16-le", "replace")
        else:
            text = decode(self._bytes(number, "001E") or self._bytes(number, "0102"))
        text = text.replace("\r\n", "\n").strip("\0")
        return text if number in (PLAIN, HTML, HEADERS) else " ".join(text.split())

    def _bytes(self, number: str, kind: str) -> bytes:
        stream = [*self.place, f"__substg1.0_{number}{kind}"]
        return bytes(self.file.openstream(stream).read()) if self.file.exists(stream) else b""

    def _sent(self) -> str:
        """When it was sent: in tenths of microseconds since 1601, in entries of 16 bytes behind a header."""
        stream = [*self.place, "__properties_version1.0"]
        fixed = self.file.openstream(stream).read() if self.file.exists(stream) else b""
        ticks = [fixed[at + 8 : at + 16] for at in range(len(fixed) % 16, len(fixed), 16) if fixed[at : at + 4] == SENT]
        try:
            since = timedelta(microseconds=int.from_bytes(ticks[0], "little") // 10) if ticks else None
            return f"{datetime(1601, 1, 1, tzinfo=UTC) + since:%a, %d %b %Y %H:%M} UTC" if since else ""
        except OverflowError:
            return ""
