"""Makes text fit to be read and quoted: decoded, tidied, without encoded data and what Markdown hides; pure."""

import html
import re
import unicodedata
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from charset_normalizer import from_bytes

from .unseen import declarations, is_unseen

HEADING = re.compile(r"^#{1,2} +(.+?) *#*$", re.MULTILINE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[\u200b\u2060\ufeff\u00ad]")
ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!<>~&$])")
"""Not the bar: only inside the cells of a table is it escaped, where it would else begin another cell."""
IMAGE = re.compile(
    r"!?\\?!?\[([^\[\]\n]*)\]\([^()\n]{0,999}\.(?:png|jpe?g|gif|svg|bmp|tiff?|webp|emf|wmf)[^()\n]{0,999}\)",
    re.IGNORECASE,
)
WIDE_SPACE = re.compile(r"(?<=\S)[^\S\n]{3,}|^[^\S\n]{3,}(?!\s|[-*+] |\d{1,3}[.)] )", re.MULTILINE)
"""Not what stands before an item of a list inside a list."""
BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")
TRAILING_SPACE = re.compile(r"[^\S\n]+$", re.MULTILINE)
HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
SPACELESS = re.compile("[\u0e00-\u1cff\ua800-\uabff]")
"""Thai, Khmer, Javanese and their neighbours, where a blank of no width stands between two words."""
WRITTEN = re.compile(r"\S+")
REPLACED = "\ufffd"
WESTERN = 0.3
"""Share of bytes beyond ASCII among the letters under which a text is Western: letters with marks among plain ones."""
DECLARED = re.compile(
    rb"\s*<[^\0]{0,2000}?\b(?:charset|encoding)\s*=\s*[\"']?((?:iso-8859-(?!1\b)|windows|koi8|euc|gb|big5|shift|tis)[\w-]*)",
    re.IGNORECASE,
)
"""The encoding that a page of HTML or a file of XML names; old ones alone matter."""
MARKED = {b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
DATA_URI = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w.+=-]+)*,[\w+/=%.~!$&*,:;@?-]{16,}")
RUN = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{200,}={0,2}")
LINES = re.compile(r"^(?:[ \t>]*[A-Za-z0-9+/]{60,76}\r?\n){2,}[ \t>]*[A-Za-z0-9+/]{1,76}={0,2}[ \t]*$", re.MULTILINE)
WHOLE = re.compile(r"\s*[A-Za-z0-9+/]{40,}={0,2}\s*")
CLASSES = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))
NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]")
BINARY = 0.05
"""Share of control characters from which on a file is no text; terminals' colours (ESC) do not count."""
LOOKED_AT = 100_000
LONG = 1_000
"""Characters from which on a stretch of blanks parts the text before it from the text after it."""
OPENING = re.compile(r"<!--|&nbsp;|<(\w+)\b([^<>]*)>")
COMMENT_END = re.compile(r"-->|\Z")
HIDDEN = re.compile(r"\shidden(?=[\s=]|\Z)|\A(?:script|style|template|del|s|strike)\b", re.IGNORECASE)
STYLED = re.compile(r"\sstyle\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1|\Z)", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^(?: {4}|\t)[^\n]*", re.MULTILINE)
CODE_SPAN = re.compile(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")


def decode(content: bytes) -> str:
    """Text from bytes in the encoding that they are in, what does not fit it replaced."""
    return content.decode(encoding_of([content]), "replace")


def encoding_of(blocks: Iterable[bytes]) -> str:
    """By its byte-order mark, or UTF-8 where all of it is, else the likeliest code page.

    Told from the first block that is not UTF-8.
    """
    decoder, block = getincrementaldecoder("utf-8")(), b""
    try:
        for number, block in enumerate(blocks):
            for mark, encoding in MARKED.items():
                if not number and block.startswith(mark):
                    return encoding
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _damaged_or_old(block)
    return "utf-8"


def _damaged_or_old(content: bytes) -> str:
    repaired = content.decode("utf-8", "replace")
    whole = sum(character > "\x7f" for character in repaired) - repaired.count(REPLACED)
    if whole > 2 * repaired.count(REPLACED):
        return "utf-8"
    declared = DECLARED.match(content)
    if declared:
        with suppress(LookupError, UnicodeError):
            content.decode(name := declared[1].decode())
            return name
    letters = sum(byte > 127 or chr(byte).isalpha() for byte in content)
    if sum(byte > 127 for byte in content) < WESTERN * letters:
        return "cp1252"
    guess = from_bytes(content).best()
    return guess.encoding if guess else "latin-1"


def as_written(text: str) -> str:
    """A text file's own text: one form of line end, of composed letters and of blanks, nothing else changed.

    For a file in NFC with LF line ends, offsets into the result are offsets into the file: each odd blank becomes one
    blank, and characters of no width inside a word become as many blanks after it, so that it is one word.
    """
    text = BLANK.sub(" ", unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")))
    return WRITTEN.sub(_whole, text) if UNSEEN.search(text) else text


def _whole(word: re.Match[str]) -> str:
    text, unseen = UNSEEN.subn("", word[0])
    return word[0] if not unseen or SPACELESS.search(text) else text + " " * unseen


def tidy(text: str) -> str:
    """Text out of a converter: no control characters, entities, escapes or runs of space; pictures by their alt."""
    text = ENTITY.sub(lambda entity: html.unescape(entity.group()), text)
    text = as_written(CONTROL.sub("", text.replace("\x0c", "\n")))
    text = IMAGE.sub(r"\1", ESCAPE.sub(r"\1", text))
    text = WIDE_SPACE.sub("  ", HYPHENATED.sub("", text))
    return BLANK_LINES.sub("\n\n", TRAILING_SPACE.sub("", text))


def heading_of(text: str, start: int = 0) -> str:
    """The first heading of a text from a place on, if there is one."""
    heading = HEADING.search(text, start)
    return heading.group(1).strip() if heading else ""


def has_words(text: str) -> bool:
    """Whether there is anything to retrieve: at least one letter or digit."""
    return any(character.isalnum() for character in text)


def is_binary(text: str) -> bool:
    """Whether what was decoded as text is none."""
    start = text[:LOOKED_AT]
    return len(NO_TEXT.findall(start)) > BINARY * len(start)


def is_encoded(text: str) -> bool:
    """Whether a file is nothing but one string in base64."""
    return WHOLE.fullmatch(text) is not None and len(text.strip()) % 4 == 0 and _is_mixed(text)


def encoded_to(text: str, instead: Callable[[str], str]) -> str:
    """The text with something else instead of each stretch of encoded data: data: addresses and base64."""
    for pattern in (DATA_URI, LINES, RUN):
        text = pattern.sub(lambda match: instead(match[0]) if _is_mixed(match[0]) else match[0], text)
    return text


def _is_mixed(text: str) -> bool:
    return all(letters.search(text) for letters in CLASSES)


def blanks(text: str) -> str:
    """As many blanks, and line ends where there were any; a long stretch is a paragraph of its own."""
    blank = re.sub(r"[^\n]", " ", text)
    return f"\n\n{blank[2:-2]}\n\n" if len(text) >= LONG else blank


def without_unseen(text: str, body: int = 0) -> str:
    """Markdown with blanks instead of comments, scripts and elements that are hidden or struck out; code stays."""
    code = deque(_code(text, body) if OPENING.search(text, body) else [])
    kept, done, unclosed = [], 0, set[str]()
    for opening in OPENING.finditer(text, body):
        start = opening.start()
        while code and code[0][1] <= start:
            code.popleft()
        if start >= done and not (code and code[0][0] <= start) and (end := _end_of_unseen(text, opening, unclosed)):
            kept += [text[done:start], blanks(text[start:end])]
            done = end
    return "".join([*kept, text[done:]])


def _end_of_unseen(text: str, opening: re.Match[str], unclosed: set[str]) -> int:
    """Where that ends which is not shown; 0 when it is shown. `unclosed` remembers the tags that nothing closes."""
    if not opening[1]:
        ending = COMMENT_END.search(text, opening.end()) if opening[0] == "<!--" else opening
        return ending.end() if ending else 0
    tag, style = opening[1].lower(), STYLED.search(opening[2])
    hidden = HIDDEN.search(tag + opening[2]) or (style and is_unseen(declarations(style[1] or style[2] or "")))
    if not hidden or tag in unclosed:
        return 0
    closing = re.compile(rf"</{tag}\s*>", re.IGNORECASE).search(text, opening.end())
    unclosed |= set() if closing else {tag}
    return closing.end() if closing else 0


def _code(text: str, body: int) -> list[tuple[int, int]]:
    found = [match.span() for pattern in (FENCE, INDENTED, CODE_SPAN) for match in pattern.finditer(text, body)]
    return sorted(found)
