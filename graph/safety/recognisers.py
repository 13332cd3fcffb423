"""Finds sensitive data in text by its form, its check digits and the words before it; pure.

There is no model: names and places without a sign of their own are not found. docs/safety.md has the recall by type.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, NamedTuple

Kind = Literal[
    "CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PERSON", "PHONE_NUMBER", "SECRET", "STREET_ADDRESS",
    "US_DRIVER_LICENSE", "US_SSN",
]  # fmt: skip
"""Types by the names that Presidio gives them; SECRET is a key, token or password."""


class Finding(NamedTuple):
    """A stretch of text that is sensitive."""

    kind: Kind
    start: int
    end: int


def luhn(number: str) -> bool:
    """Whether the last digit is the check digit of a card number."""
    digits = [int(each) for each in reversed(number) if each.isdigit()]
    doubled = (2 * each - 9 * (each > 4) for each in digits[1::2])
    return 12 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def mod_97(code: str) -> bool:
    """Whether an IBAN has the right check digits."""
    plain = re.sub(r"[\W_]", "", code).upper()
    return 15 <= len(plain) <= 34 and int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def _is_phone(text: str) -> bool:
    return 7 <= sum(map(str.isdigit, text)) <= 15


def _is_ip(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _is_ssn(text: str) -> bool:
    number = re.sub(r"\D", "", text)
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


@dataclass(frozen=True)
class Recogniser:
    """A form of a type: its pattern, whose group `found` is the finding where it has one, and what must hold of it.

    `hints` are words of which the text must have one; `digits` says that it must have a digit.
    """

    kind: Kind
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = bool
    hints: tuple[str, ...] = ()
    digits: bool = True

    def find(self, text: str, lower: str) -> Iterator[Finding]:
        if self.hints and not any(hint in lower for hint in self.hints):
            return
        for match in self.pattern.finditer(text):
            group = "found" if "found" in self.pattern.groupindex else 0
            found = match[group]
            while self.holds is mod_97 and not mod_97(found) and " " in found:
                found = found.rpartition(" ")[0]  # What follows may look like a group of it.
            if self.holds(found):
                yield Finding(self.kind, match.start(group), match.start(group) + len(found))


def _is_secret(text: str) -> bool:
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))


BLANKS = re.compile("[\u00a0\u00ad\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]")
"""Blanks of any width, none too, that may stand between the groups of a number."""
BETWEEN = r"(?:(?!\n\n|\.\s)[ \t\n._|*-]){1,5}"
"""What stands between the groups of a number that a table, a list or emphasis has taken apart."""
ISSUER = r"(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|[45]\d{2}))"
"""What the numbers of cards with four groups of four digits begin with."""
CALLED = (
    r"(?i:\b(?:phone|tel|telephone|telefon\w*|mobile?|cell|fax|call(?:ed|ing)?|dial|office|desk|messages? to"
    r"|answering at|reach (?:me|us|him|her)|sms|whatsapp|number)\b)"
)
NAME = r"[^\W\d_a-z](?:(?:[^\W\d_]|['’-])*[^\W\d_](?![\w-])|\.|(?!\w))"
STREET = (
    r"(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|squares?|place|pl|terrace|way|walk"
    r"|crescent"
    r"|highway|hwy|str|tie|rue|via|viale|calle|avenida|rua|utca|u|út|ulica|ul)"
)
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
UNIT = r"\b(?:Apt|Suite|Flat)\b\.? ?\d{1,4}\b"
UNITS = ("apt", "suite", "flat")
"""Words for a part of a house."""
JOINED = r"(?:stra(?:ß|ss)e|str\.|weg|platz|gasse|allee|gade|vej|gatan|vägen|katu|straat|laan)"
"""Words for streets, and those that names of streets end with."""
RECOGNISERS = (
    Recogniser(
        "SECRET",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        hints=("private key-----",),
        digits=False,
    ),
    Recogniser(
        "SECRET",
        re.compile(
            r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}"
            r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
            r"|\b(?:sk|pk|rk)[-_](?:live[-_]|test[-_]|proj-|ant-)?[A-Za-z0-9_-]{16,}|\bAIza[\w-]{35}\b"
            r"|\bdapi[0-9a-f]{32}\b|\bhf_[A-Za-z]{30,}"
            r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
        ),
    ),
    Recogniser(
        "SECRET",
        re.compile(
            r"(?i)\b(?:password|passwd|pwd|passwort|secret|api[ _-]?key|access[ _-]?token"
            r"|bearer)\b(?: is)?\s*[:=]?\s*[\"'`]?(?P<found>[^\s\"'`,;]{7,}[^\s\"'`,;.!?)])"
        ),
        _is_secret,
        ("passw", "pwd", "secret", "key", "token", "bearer"),
    ),
    Recogniser("SECRET", re.compile(r"://[^\s/:@]*:(?P<found>[^\s@/]+)@"), hints=("://",), digits=False),
    Recogniser("EMAIL_ADDRESS", re.compile(r"[\w.+%'-]+@(?:[\w-]+\.)+[^\W\d_]{2,}"), hints=("@",), digits=False),
    Recogniser(
        "IBAN_CODE",
        re.compile(
            rf"(?i)\b[A-Z]{{2}}\d{{2}}(?:(?:{BETWEEN})?[A-Z0-9]{{4}}){{2,7}}(?:(?:{BETWEEN})?[A-Z0-9]{{1,4}})?(?![A-Z0-9])"
        ),
        mod_97,
    ),
    Recogniser("CREDIT_CARD", re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){11,18}(?![\w-])"), luhn),
    Recogniser("CREDIT_CARD", re.compile(rf"(?<![\w.+-]){ISSUER}(?:{BETWEEN}\d{{4}}){{3}}(?![\w-])"), luhn),
    Recogniser("US_SSN", re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])"), _is_ssn),
    Recogniser(
        "US_SSN",
        re.compile(
            rf"(?i:\bSSN\b|\bsocial security\b)[^\d]{{0,25}}"
            rf"(?P<found>\d{{3}}(?:{BETWEEN})?\d{{2}}(?:{BETWEEN})?\d{{4}})(?![\w-])"
        ),
        _is_ssn,
        ("ssn", "social"),
    ),
    Recogniser("IP_ADDRESS", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"), _is_ip, (".",)),
    Recogniser(
        "IP_ADDRESS", re.compile(r"(?i)(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"), _is_ip, ("::", ":")
    ),
    Recogniser(
        "US_DRIVER_LICENSE",
        re.compile(
            r"(?i)\bdriv(?:er|ing)['’]?s? licen[cs]e(?: number"
            r"| no\.?)?(?: is)?\W{1,3}(?P<found>[A-Z]{0,3}\d[\d-]{4,14})\b"
        ),
        hints=("licen",),
    ),
    Recogniser(
        "PHONE_NUMBER",
        re.compile(
            r"(?<![\w.,/-])\+\d{1,3}[ .-]?(?:\(\d{1,5}\)[ .-]?)?\d(?:[ .-]?\d){5,12}(?: ?(?:x"
            r"|ext\.?) ?\d{1,6})?(?![\w-])"
        ),
        _is_phone,
        ("+",),
    ),
    Recogniser(
        "PHONE_NUMBER",
        re.compile(
            r"(?<![\w./-])(?<!\d[, ])(?:\(\d{2,5}\) ?\d{2,4}(?:[ .-]\d{2,4}){1,3}"
            r"|(?:1[ .-])?\d{3}[-.]\d{3}[-.]\d{4}|0\d{2,4}(?:[ .-]\d{2,4}){2,4}"
            r"|0\d{3,4}[ -]\d{6})(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w-])"
        ),
        _is_phone,
    ),
    Recogniser(
        "PHONE_NUMBER",
        re.compile(rf"{CALLED}[^\d\n+]{{0,25}}\n?[ \t]*(?P<found>\(?\d[\d() .-]{{5,16}}\d)(?![\w-])"),
        _is_phone,
    ),
    Recogniser(
        "PHONE_NUMBER",
        re.compile(r"(?<![\w.,/-])(?P<found>\(?\d[\d() .-]{5,16}\d)[ -]{0,3}(?i:office|fax|mobile|cell|home|phone)\b"),
        _is_phone,
    ),
    Recogniser(
        "PERSON",
        re.compile(
            rf"(?:\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Sr|Sra|Sig)\b\.?|(?i:\bmy name(?: is|['’]s)"
            rf"|\bich heiße|\bname\s*:)) *"
            rf"(?P<found>{NAME}(?: {NAME}){{0,3}})"
        ),
        digits=False,
    ),
    Recogniser(
        "PERSON",
        re.compile(
            rf"\b(?i:I am|I['’]m|says|regards|sincerely|dear|attn)\b[,:]?\s+(?P<found>{NAME}(?: {NAME}){{1,3}})"
        ),
        digits=False,
    ),
    Recogniser(
        "PERSON",
        re.compile(
            rf"(?:\A|\n[ \t]{{0,20}}\n|:)[^\w\n]{{0,8}}(?P<found>{NAME}(?: {NAME}){{1,2}})[ \t]*\n"
            rf"(?=(?:[^\n]{{0,80}}\n){{0,3}}?[^\n]{{0,80}}{UNIT})"
        ),
        hints=UNITS,
    ),
    Recogniser(
        "STREET_ADDRESS",
        re.compile(rf"(?m)^[^\w\n]*(?=[^\n]{{0,80}}\d)(?P<found>[^\W_][^\n]{{0,80}}[^\W_]\s{{1,20}}{UNIT})"),
        hints=UNITS,
    ),
    Recogniser("STREET_ADDRESS", re.compile(rf"(?i){UNIT}"), hints=UNITS),
    Recogniser(
        "STREET_ADDRESS",
        re.compile(
            r"(?i:\b(?:lives?|living|located|office is|offices are|my address(?: is)?|station is)"
            r"(?: (?:at|in|on|located))*:?) "
            rf"(?!{MONTH})(?P<found>{NAME}(?: {NAME}){{0,3}} \d{{1,4}}\b|\d{{1,5}} {NAME}(?: {NAME}){{0,3}})"
        ),
        hints=("live", "living", "located", "office", "address", "station"),
    ),
    Recogniser(
        "STREET_ADDRESS",
        re.compile(
            rf"\b\d{{1,5}}[a-zA-Z]? (?:{NAME} ){{1,3}}(?i:{STREET})\b(?:,? (?:Apt|Suite|Unit|No)\.? ?\d+)?"
            rf"|\b(?:[^\W\d_a-z][\w'’.-]* )?[^\W\d_a-z][^\W\d_]*(?: (?i:{STREET})"
            rf"| ?(?i:{JOINED}))\.? \d{{1,4}} ?[a-zA-Z]?\b"
            r"|\bP\.? ?O\.? Box \d+\b|\bPSC \d+, Box \d+(?:\s+APO \w\w \d+)?"
        ),
    ),
)
KINDS: tuple[Kind, ...] = tuple(dict.fromkeys(each.kind for each in RECOGNISERS))


def find(text: str, kinds: Iterable[Kind] = KINDS) -> list[Finding]:
    """The findings of some types in order; of those that overlap the longest."""
    wanted, lower, spaced = frozenset(kinds), text.lower(), text if text.isascii() else BLANKS.sub(" ", text)
    digits = any(map(str.isdigit, text))
    found = [
        finding
        for each in RECOGNISERS
        if each.kind in wanted and (digits or not each.digits)
        for finding in each.find(text if each.kind == "SECRET" else spaced, lower)
    ]
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda each: each.start - each.end):
        if all(finding.end <= other.start or other.end <= finding.start for other in kept):
            kept.append(finding)
    return sorted(kept, key=lambda each: each.start)
