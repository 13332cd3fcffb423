"""What text that instructs an assistant looks like: classes of words in ten languages, and orders of them; pure.

A text is read as a row of classes, one letter for each word; a sign is a pattern over that row. So a sign says what is
done to what (`IGNORE ~5 GIVEN ~3 INSTRUCTION`), in whatever words and language. `benchmarks/prompt_injection.py` has
what each sign finds alone, and what of benign text it flags.
"""

import codecs
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from string import ascii_lowercase

from .injection_words import CLASSES

SIGNS = {
    "override": (
        "IGNORE ~5 GIVEN/EVERY/YOUR ~3 INSTRUCTION",
        "^ IGNORE ~2 QUESTION",
        "NOT ~1 OBEY ~4 GIVEN/YOUR ~3 INSTRUCTION",
    ),
    "reveal": ("REVEAL/SAY ~4 YOUR ~2 SECRETS",),
    "shape of the reply": (
        "^ SHAPE/SAY/ANSWER ~14 YOUR ~2 ANSWER/RESPONSE !WE",
        "YOUR ~2 ANSWER/RESPONSE ~4 MUST ~8 SHAPE !WE",
        "^ WITH YOUR ~1 ANSWER/RESPONSE ~1 SHAPE/SAY !WE",
        "^ SHAPE ~10 WHAT/EVERY YOU SAY/ANSWER",
        "^ SHAPE/SAY ~2 EVERY ~1 ANSWER/RESPONSE",
        "SHAPED ~4 EVERY ~1 ANSWER/RESPONSE",
    ),
    "form of the reply": ("^ SAY/ANSWER WITH ~3 FORM",),
    "from now on": (
        "FROM NOW/THIS ~2 ON/POINT ~2 YOU/YOUR",
        "YOU ~1 BE NOW ~6 ASSISTANT/AI/FREE/SAY/DEVELOPER",
    ),
    "role": (
        "PRETEND ~2 A/AS/YOU/BE ~3 AI/ASSISTANT/FREE",
        "YOU BE A ~3 FREE/AI",
    ),
    "no limits": (
        "YOU ~3 SAY/ANSWER/BE ~4 WITHOUT ~3 LIMITS",
        "AI/PRETEND/DEVELOPER ~5 WITHOUT ~3 LIMITS",
        "FREE ~2 AI/ASSISTANT/MODE/ANSWER/RESPONSE",
        "DEVELOPER MODE ~4 YOU/ANSWER/SAY/FREE",
    ),
    "address to a model": (
        "^ NOTE ~1 TO ~3 AI",
        "AI ~1 ASSISTANT/MODEL ~3 THIS ~3 MUST",
        "AI/ASSISTANT/READER PROCESS THIS",
        "AS ASSISTANT ~12 INSTRUCTION/LIMITS",
    ),
    "order about the reader": ("^ TELL ~1 READER",),
    "when you read this": (
        "WHEN ~1 PROCESS THIS ~1 TEXT",
        "WHEN ASKED ~6 SAY/ANSWER",
        "THIS ANSWER/RESPONSE ~9 SEND TOOL",
        "NEXT READER RESPONSE",
        "^ SEND ~1 TOOL ~9 WHEN ANSWERING",
    ),
    "conversation": (
        "SEND/SHAPE/REVEAL ~6 THIS ~1 CONVERSATION",
        "EVERY ~5 THIS CONVERSATION",
    ),
    "new task": ("YOUR NEW ~1 INSTRUCTION/TASK",),
    "secrecy": ("NOT ~2 TELL/SAY/REVEAL ~4 THIS ~1 NOTE/INSTRUCTION/TEXT", "NOT ANSWER ~1 QUESTION"),
    "decode and obey": ("DECODE ~12 OBEY",),
    "code to use": (
        "FOLLOWING CODE SNIPPET ~12 YOUR",
        "YOUR ~9 FOLLOWING CODE SNIPPET",
        "EMBED ~4 FOLLOWING CODE SNIPPET",
    ),
}
"""Orders of classes by name: `A/B` either, `~3` up to three words between, `^` the start of a clause, `|` its end."""
DOUBTS = (
    "AI",
    "ASSISTANT",
    "LANGUAGE ~1 MODEL",
    "MODEL ~1 LANGUAGE",
    "ANSWER/RESPONSE ~8 MUST/SHAPE/SHAPED/SAY/EMIT/ONLY/NOW/BE",
    "EVERY/YOUR/MUST/SHAPE/SAY/EMIT/ONLY/NOW ~8 ANSWER/RESPONSE",
    "IGNORE/OVERRIDE ~5 GIVEN/EVERY/INSTRUCTION/TOLD/YOU",
    "GIVEN/INSTRUCTION ~5 IGNORE/VOID/GIVEN",
    "EVERY/INSTRUCTION ~5 VOID",
    "SAY/EMIT ~6 LITERAL",
    "LITERAL ~5 SAY/EMIT",
)
"""Orders of classes that documents about answers and assistants have too: signs where the question is about neither."""
PAYLOADS = (
    "EVERY ~3 ANSWER/RESPONSE ~12 LITERAL",
    "YOUR ~2 ANSWER/RESPONSE ~6 LITERAL",
    "AI/ASSISTANT ~12 SAY/SHAPE/EMIT ~4 LITERAL",
    "SAY/SHAPE/EMIT ~4 LITERAL ~8 ANSWER/RESPONSE",
)
"""What is to be said of an answer or by an assistant."""
END, COMMA, QUOTE, WORD, LETTER, LITERAL, TOOL, BACKWARDS, ROTATED = '|,".sCTBR'
"""Of a row, what no class has: ends of clauses, other words, among them single letters, codes such as ZX-12, names of
functions, and words that are read backwards or in ROT13."""
ACCENTS = re.compile("[\u0300-\u036f]+")
NON_ASCII = re.compile("[^\x00-\x7f]+")
INVISIBLE = re.compile(
    r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]+"
)
TYPOGRAPHIC = str.maketrans(
    "\u2019\u2018\u201c\u201d«»\u201e\u300c\u300d\uff0c\u3002\uff01\uff1f\uff1b\uff1a\u2013\u2014…\xa0",
    "''" + QUOTE * 7 + ",.!?;:--. ",
)
MARKS = {**dict.fromkeys("!?;:\n", END), **dict.fromkeys("()[]{}<>*#`/=\\", " ")}
LEET = str.maketrans("013457$@", "oieastsa")
ALIKE = str.maketrans("асеорхуіѕјһԁαοινρτ", "aceopxyisjhdaoivpt")
"""Letters of other scripts that look like Latin ones."""


def plain(text: str) -> str:
    """In lower case, without accents and invisible letters; words of scripts without spaces stand apart."""
    return text.lower() if text.isascii() else NON_ASCII.sub(lambda found: _ascii(found[0]), text.lower())


@lru_cache(maxsize=1 << 14)
def _ascii(letters: str) -> str:
    folded = unicodedata.normalize("NFKD", INVISIBLE.sub("", letters.translate(TYPOGRAPHIC)))
    return UNSPACED.sub(r" \g<0> ", ACCENTS.sub("", folded).replace("ß", "ss"))


def row(text: str) -> str:
    """The classes of the words of a plain text, one letter each; what is mentioned in quotes has none."""
    text = text.replace("://", "")
    for mark, instead in MARKS.items():  # Ten times as fast as str.translate.
        text = text.replace(mark, instead)
    text = text.replace(f'{END}"', '"').replace('."', '"').replace(". ", END).replace("- ", END)
    spaced = text.replace(END, f" {END} ").replace(COMMA, f" {COMMA} ").replace(QUOTE, f" {QUOTE} ")
    classes = "".join(map(_symbol.__getitem__, spaced.split()))
    return (
        MENTIONED.sub(lambda found: found[1] + WORD * len(found[2]) + QUOTE, classes) if QUOTE in classes else classes
    )


class _Symbols(dict[str, str]):
    """The letters of words, each looked at once; a row takes half as long by it as by a cached function."""

    def __missing__(self, token: str) -> str:
        if len(self) >= MAX_KNOWN_WORDS:
            self.clear()
        symbol = self[token] = _spelled(token)
        return symbol


_symbol = _Symbols()


def _spelled(token: str) -> str:
    """The letter of a word, also where digits or letters of another script stand for letters."""
    word = token.strip(".'’-")
    if (word.isascii() and (word.isalpha() or word.isdigit())) or len(token) > LONGEST_WORD:
        return SYMBOLS.get(word, WORD)
    if not word:
        return END if "." in token else ""
    spellings = (word, word.translate(ALIKE), word.translate(LEET), word.translate(LEET).replace("i", "l"))
    parts = word.split("'")
    if SYMBOLS.get(word.split("-")[0], WORD) in LETTERS["AI"]:
        return SYMBOLS[word.split("-")[0]]
    spoken = parts[0] if parts[-1] == "s" else parts[-1]
    found = next((SYMBOLS[each] for each in (*spellings, spoken) if each in SYMBOLS), None)
    if found:
        return found
    return TOOL if "_" in word else LITERAL if word[0].isalpha() and any(map(str.isdigit, word)) else WORD


def _symbols() -> tuple[dict[str, str], dict[str, str]]:
    """The letter of each word, which stands for all classes that it is in, and the letters of each class."""
    classes: dict[str, list[str]] = {}
    for name, words in CLASSES.items():
        for word in plain(words).split():
            classes.setdefault(word, []).append(name)
    letters: dict[tuple[str, ...], str] = {}
    symbols = {word: letters.setdefault(tuple(names), chr(0x100 + len(letters))) for word, names in classes.items()}
    sets = {name: "".join(letter for names, letter in letters.items() if name in names) for name in CLASSES}
    telling = [
        word for name in ("IGNORE", "INSTRUCTION", "SECRETS") for word in CLASSES[name].split() if word.isascii()
    ]
    turned = {word[::-1]: BACKWARDS for word in telling} | {codecs.encode(word, "rot13"): ROTATED for word in telling}
    own = {each: each for each in (END, COMMA, QUOTE)}
    return {**dict.fromkeys(ascii_lowercase, LETTER), **turned, **symbols, **own}, {
        **sets,
        "LITERAL": LITERAL,
        "TOOL": TOOL,
    }


def _pattern(sign: str) -> tuple[str, str]:
    """A sign as a regular expression over rows: the letters that it begins with, and what follows them."""
    begins, *parts = sign.removeprefix("^ ").split()
    before = f"(?<![^{END}{COMMA}{QUOTE}{_letters('LEAD/MUST/NOW')}].)" if sign[0] == "^" else ""
    return _letters(begins), before + "".join(map(_part, parts))


def _part(part: str) -> str:
    match part[0]:
        case "~":
            return f"[^{END}]{{0,{part[1:]}}}?"
        case "!":
            return f"(?![^{END}]{{0,8}}[{_letters(part[1:])}])"
        case "|":
            return rf"(?:\{END}|$)"
        case _:
            return f"[{_letters(part)}]"


def _letters(classes: str) -> str:
    return "".join(LETTERS[name] for name in classes.split("/"))


LONGEST_WORD = 40
MAX_KNOWN_WORDS = 1 << 16
UNSPACED = re.compile("|".join(sorted({w for w in " ".join(CLASSES.values()).split() if w > "\u3000"}, key=len)[::-1]))
SYMBOLS, LETTERS = _symbols()
MENTIONED = re.compile(f"([{_letters('MENTION')}].{{0,2}}{QUOTE})([^{QUOTE}]{{0,12}}){QUOTE}")


def _by_letter() -> dict[str, re.Pattern[str]]:
    """What may follow each letter that a sign begins with."""
    rests: dict[str, set[str]] = {}
    for first, rest in (_pattern(sign) for signs in SIGNS.values() for sign in signs):
        for letter in first:
            rests.setdefault(letter, set()).add(rest)
    return {letter: re.compile("|".join(sorted(each))) for letter, each in rests.items()}


BY_LETTER = _by_letter()
BEGINS = re.compile(f"[{''.join(BY_LETTER)}]")


def any_of(signs: Sequence[str]) -> re.Pattern[str]:
    """Any of some signs, looked for only at the letters that they begin with."""
    begins, rests = zip(*map(_pattern, signs), strict=True)
    either = "|".join(f"(?<=[{first}]){rest}" for first, rest in zip(begins, rests, strict=True))
    return re.compile(f"[{''.join(begins)}](?:{either})")


DOUBT, PAYLOAD = any_of(DOUBTS), any_of(PAYLOADS)


def has_sign(classes: str) -> bool:
    """Whether a row has any sign."""
    return any(BY_LETTER[found[0]].match(classes, found.end()) for found in BEGINS.finditer(classes))
