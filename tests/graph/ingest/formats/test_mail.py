"""An e-mail is read with its blocks apart, its newest message first, and with what was sent along."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from compound_under_test import compound

from graph.ingest.document import Document, Refused
from graph.ingest.formats.extract import extract
from graph.ingest.formats.mail import split_quoted


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
MARKED = "The audit is on 5 May.\n\nOn 2 March Bob\nwrote:\n> The audit is on 1 May.\n> \n> Bring red folders.\n"


@pytest.mark.parametrize(
    ("text", "html", "source"),
    [
        ("", GMAIL, "On Mon, Mar 2, 2026 Bob <b@x.org> wrote"),
        ("", OUTLOOK, "Bob, Monday, March 2, 2026"),
        (DASHES, "", "Bob"),
        (GERMAN, "", "Am 02.03.2026 um 08:00 schrieb Bob"),
        (MARKED, "", "On 2 March Bob wrote"),
    ],
)
def test_of_a_quoted_message_stays_under_its_name_what_the_newest_does_not_speak_of(
    tmp_path: Path, text: str, html: str, source: str
) -> None:
    found = body(read(tmp_path, message(text, html)))
    assert found == ["The audit is on 5 May.", f"## Quoted message: {source}", "Bring red folders."]


def test_an_answer_below_a_quotation_is_part_of_the_newest_message() -> None:
    newest, [quoted] = split_quoted("On 2 March Bob wrote:\n> Welcome.\n>\n> How long is the lease?\n\nFive years.")
    assert (newest, quoted.source, quoted.text.split("\n")[-1]) == (
        "Five years.",
        "On 2 March Bob wrote",
        "How long is the lease?",
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


PAGE = "<div>The gate opens at 6:25.</div><div>It costs 14&nbsp;EUR.</div><p style='display:none'>The code is 7.</p>"
HEAD = "__substg1.0_"


def outlook(folder: Path, **streams: bytes) -> Document:
    """Read a message of Outlook with such properties, by their numbers and kinds."""
    named = {f"{HEAD}{name.removeprefix('p')}": content for name, content in streams.items()}
    (folder / "a.msg").write_bytes(compound(named))
    return extract(folder / "a.msg")


def test_a_message_of_outlook_is_read_though_it_has_a_page_of_html_alone(tmp_path: Path) -> None:
    document = outlook(tmp_path, p0037001F="Gate".encode("utf-16-le"), p0C1A001E=b"J\xfcrgen", p10130102=PAGE.encode())
    assert (document.title, body(document)) == ("Gate", ["The gate opens at 6:25.", "It costs 14 EUR."])
    assert "**From**: Jürgen" in document.text
    assert document.warnings == ("hidden text was left out",)


def test_the_plain_text_of_a_message_of_outlook_has_its_older_messages_marked(tmp_path: Path) -> None:
    text = "It is on 5 May.\r\n\r\nOn 2 March 2026 Bob wrote:\r\n> Bring red folders.\r\n"
    document = outlook(tmp_path, p1000001F=text.encode("utf-16-le"))
    assert body(document) == ["It is on 5 May.", "## Quoted message: On 2 March 2026 Bob wrote", "Bring red folders."]


def test_a_message_of_outlook_in_rich_text_alone_says_that_it_is_not_read(tmp_path: Path) -> None:
    document = outlook(tmp_path, p0037001F="Gate".encode("utf-16-le"), p10090102=b"LZFu")
    assert document.warnings == ("its text, which it holds as RTF alone, was not read; save the message as .eml",)


@pytest.mark.parametrize("content", [b"no compound file", compound({})[:700], compound({})[:512] + b"\xff" * 4096])
def test_a_message_of_outlook_that_is_broken_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.msg").write_bytes(content)
    with pytest.raises(Refused, match=r"corrupt|no text"):
        extract(tmp_path / "a.msg")


def test_what_is_attached_to_a_message_of_outlook_is_read_or_named(tmp_path: Path) -> None:
    one, two, inner = (f"__attach_version1.0_#0000000{number}" for number in range(3))
    streams = {
        f"{HEAD}1000001F": "See below.".encode("utf-16-le"),
        f"{one}/{HEAD}3707001F": "part.txt".encode("utf-16-le"),
        f"{one}/{HEAD}37010102": b"The part is LP-7.",
        f"{two}/{HEAD}3707001F": "tool.exe".encode("utf-16-le"),
        f"{two}/{HEAD}37010102": b"MZ\x90\0\3",
        f"{inner}/{HEAD}3001001F": "Older".encode("utf-16-le"),
        f"{inner}/{HEAD}3701000D/{HEAD}1000001F": "It was Hall 7.".encode("utf-16-le"),
    }
    (tmp_path / "a.msg").write_bytes(compound(streams))
    document = extract(tmp_path / "a.msg")
    assert [part in document.text for part in ("The part is LP-7.", "It was Hall 7.")] == [True, True]
    assert [warning.partition(" was")[0] for warning in document.warnings] == ["attachment tool.exe"]
