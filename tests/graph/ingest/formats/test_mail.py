"""An e-mail is read with its blocks apart, its newest message first, and with what was sent along."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from graph.ingest.document import Document
from graph.ingest.formats.extract import extract
from graph.ingest.formats.mail import lacks_plain_text, split_quoted


def message(text: str = "", html: str = "", subject: str = "Re: Audit") -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "Ann <ann@x.org>", "bob@x.org"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def read(folder: Path, mail: EmailMessage) -> Document:
    (folder / "a.eml").write_bytes(mail.as_bytes())
    return extract(folder / "a.eml")


def body(document: Document) -> list[str]:
    return [block for block in document.text.split("\n\n") if not block.startswith("**")]


def test_the_blocks_of_a_mail_in_html_are_apart_and_its_hidden_text_is_gone(tmp_path: Path) -> None:
    html = "<div>Hello,</div><div>it costs <b>35&nbsp;EUR</b>.</div><div style='display:none'>It costs 99 EUR.</div>"
    document = read(tmp_path, message("plain", html))
    assert (document.title, body(document)) == ("Re: Audit", ["Hello,", "it costs **35 EUR**."])


GMAIL = (
    "<div>The audit is on 5 May.</div><div class='gmail_quote'>"
    "<div>On Mon, Mar 2, 2026 Bob &lt;b@x.org&gt; wrote:<br></div>"
    "<blockquote><div>The audit is on 1 May.</div><div>Bring red folders.</div></blockquote></div>"
)
OUTLOOK = (
    "<p>The audit is on 5 May.</p><div><p><b>From:</b> Bob<br><b>Sent:</b> Monday, March 2, 2026<br><b>To:</b> Ann<br>"
    "<b>Subject:</b> Audit</p></div><p>The audit is on 1 May.</p><p>Bring red folders.</p>"
)
OLDER = "\n\nThe audit is on 1 May.\n\nBring red folders.\n"
DASHES = f"The audit is on 5 May.\n\n-----Message d'origine-----\nDe: Bob\nObjet: Audit{OLDER}"
GERMAN = f"The audit is on 5 May.\n\nAm 02.03.2026 um 08:00 schrieb Bob:{OLDER}"
MARKED = "The audit is on 5 May.\n\nBob, 2 March:\n> The audit is on 1 May.\n> \n> Bring red folders.\n"


@pytest.mark.parametrize(
    ("text", "html", "source"),
    [
        ("", GMAIL, "On Mon, Mar 2, 2026 Bob <b@x.org> wrote"),
        ("", OUTLOOK, "Bob, Monday, March 2, 2026"),
        (DASHES, "", "Bob"),
        (GERMAN, "", "Am 02.03.2026 um 08:00 schrieb Bob"),
        (MARKED, "", "Bob, 2 March"),
    ],
)
def test_of_a_quoted_message_stays_under_its_name_what_the_newest_does_not_speak_of(
    tmp_path: Path, text: str, html: str, source: str
) -> None:
    found = body(read(tmp_path, message(text, html)))
    assert found == ["The audit is on 5 May.", f"## Quoted message: {source}", "Bring red folders."]


def test_a_question_stays_above_its_answer() -> None:
    assert (
        split_quoted("> Welcome.\n> How long is the lease?\n\nFive years.\n")[0]
        == "> How long is the lease?\n\nFive years."
    )


def test_lines_of_fields_in_a_message_are_no_quotation() -> None:
    assert split_quoted("Travel\n\nFrom: Oslo\nTo: Bergen\n\nThe train has 8 cars.")[1] == ()


def test_attachments_are_read_under_their_names_or_named(tmp_path: Path) -> None:
    inner = message("The gate has number 4.", subject="Inner")
    mail = message("See below.")
    mail.add_attachment("The spare part is LP-9.", filename="part.txt")
    mail.add_attachment(inner)
    mail.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="a.bin")
    document = read(tmp_path, mail)
    assert "## Attachment part.txt\n\nThe spare part is LP-9." in document.text
    assert document.text.endswith("The gate has number 4.")
    assert [warning.startswith("attachment a.bin was not read: ") for warning in document.warnings] == [True]


def test_attachments_inside_attachments_end(tmp_path: Path) -> None:
    mail = message("Level 0.")
    for level in range(1, 6):
        outer = message(f"Level {level}.", subject=f"Mail {level}")
        outer.add_attachment(mail)
        mail = outer
    document = read(tmp_path, mail)
    assert [f"Level {level}." in document.text for level in (5, 2, 1)] == [True, True, False]
    assert len(document.warnings) == 1


def test_a_mail_with_odd_headers_is_read(tmp_path: Path) -> None:
    head = b"Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\nDate: soon\nContent-Type: text/plain; charset=none\n"
    (tmp_path / "a.eml").write_bytes(
        head + b"Content-Transfer-Encoding: quoted-printable\n\nDie T=FCr ist 2=A0m hoch.\n"
    )
    document = extract(tmp_path / "a.eml")
    assert (document.title, document.text.split("\n\n")[-1]) == ("Grüße", "Die Tür ist 2 m hoch.")


@pytest.mark.parametrize(
    ("streams", "lacks"), [("1000 1013 1009", False), ("1000", False), ("1013", True), ("1009", True)]
)
def test_a_message_of_outlook_without_plain_text_is_told_from_others(streams: str, lacks: bool) -> None:
    content = b"".join(f"__substg1.0_{number}001F".encode("utf-16-le") for number in streams.split())
    assert lacks_plain_text(content) == lacks
