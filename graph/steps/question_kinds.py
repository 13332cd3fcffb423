"""What a question asks for by its form: a count, a procedure, several things, what has to be worked out; pure."""

import re

from ..text.function_words import FUNCTION_WORDS
from ..text.words import terms

HOW_MANY = re.compile(r"\b(?:how many|number of|wie viele)\s+([^?.,;]+)", re.IGNORECASE)
PROCEDURE = re.compile(
    r"\bhow (?:do|can|should|must|to|would)\b|^\W*how (?:does one|is|are)\b"
    r"|\bwhat (?:do|must|should|shall|can) (?:i|we|you|one) (?:have to |need to )?do\b|\bwas (?:muss|soll) \w+ tun\b"
    r"|\bwhat (?:should|must|shall|has to|is to) be done\b"
    r"|\bwhat (?:are|is) the (?:steps?|procedure|process)\b|\b(?:steps?|instructions?|procedure) (?:to|for)\b"
    r"|\bwie (?:kann|muss|soll|mache|wird|werden|geht|\w+ (?:ich|man|wir))\b|\bcomment\b|\bcómo\b"
    r"|\bcome (?:si|posso|faccio|devo)\b|\bhvordan\b|\bhur (?:gör|kan|ska)\b|\bjak\b"
    r"|\bhoe (?:kan|moet|doe|\w+ (?:ik|je|men))\b",
    re.IGNORECASE,
)
ASKS = r"(?:who|whom|whose|what|when|where|which|why|how)"
AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|may|must|shall|should|will|would)"
SEVERAL = re.compile(
    r"^\W*(?:list|name|enumerate|show|give)\b"
    rf"|\b(?:which|what) (?:[\w'’-]+ ){{0,3}}?(?P<noun>[\w'’-]+) (?:{AUXILIARY}|need|belong|apply)\b"
    r"|^\W*(?:when|where|what|who|how \w+) (?:do|are|were|have|did|can|must) (?:the|all|our) (?P<subject>[\w'’-]+)"
    r"|\b(?:what|who) are\b|\ball (?:the )?\w+s\b|\bwelche\w* (?P<german>\w+)|\bquel(?:le)?s\b|\bquali\b|\bcuáles\b",
    re.IGNORECASE,
)
PLURAL = re.compile(r"(?:\w{2,}(?:[^siu\W]s|ies|oes)|people|men|women|children|criteria|staff|\w+en)", re.IGNORECASE)
SUBJECT = re.compile(
    r"\bwho (?:is|was|are|were) (?:(?:the|our|an?) )?(?:[a-z]+ )*?(?P<office>[a-z]+)(?= (?:of|in|at|for|from)\b|\W*$)"
    r"|\bhow \w+ .*?\b(?:(?:do|does|may|can|must|should) (?:an? (?P<one>[a-z]+)|(?P<several>[a-z]{3,}s))"
    r"|does the (?P<role>[a-z]+))(?= [a-z])"
    r"|(?:\b(?:what|how) .*\bfor (?=[a-z]+s\W*$)|\bof an? |^who [a-z]+s )(?P<whom>[a-z]{3,})"
)
"""The office, group or thing that a question is about: `Who is the treasurer?`, `How much may guests carry?`."""
ADJECTIVES = (
    "old|young|new|tall|high|low|long|short|larg|small|big|earli|lat|fast|slow|cheap|heavi|light|wid|deep|strong|weak"
    "|great|clos|near|few|warm|cold|hot|dry|rich|poor|saf|busi|easi|thick|thin|quiet|loud|bright|dark|hard|soft|steep"
)
COMPUTED = {
    "total": re.compile(
        r"\b(?:totals?|sum|overall|altogether|combined|in all|insgesamt|gesamt\w*|summe|somme|totale?|totaal)\b"
        r"|\bzusammen\b|\btogether\W*$"
        r"|\b(?:cost|have|hold|amount|pay|paid|spen[dt]|carry|weigh|take)\w*(?: \w+)? together\b",
        re.IGNORECASE,
    ),
    "average": re.compile(
        r"\b(?:averages?|mean (?!by\b)|durchschnitt\w*|moyenne?|promedio|media|gemiddeld\w*)\b", re.IGNORECASE
    ),
    "extreme": re.compile(
        rf"(?<!\bat )\b(?:most|least|fewest|best|worst|(?:{ADJECTIVES})(?:t|g|d)?est|maximum|minimum)\b",
        re.IGNORECASE,
    ),
    "comparison": re.compile(
        rf"\b(?:more|less|fewer|worse|better|(?:{ADJECTIVES})(?:t|g|d)?e?r)\b.*\b(?:than|or)\b"
        r"|\bdifferen\w+ between\b|\bcompar(?:e|es|ed|ison)\b",
        re.IGNORECASE,
    ),
}
"""What of a question asks for something that is worked out of several values."""


def counted_in(question: str) -> frozenset[str] | None:
    """The stems of what a question counts, wells in `how many wells are in Graz?`; None where it counts nothing."""
    found = HOW_MANY.search(question)
    words = found[1].split() if found else []
    end = next((n for n, word in enumerate(words) if word.lower() in FUNCTION_WORDS), len(words))
    return frozenset(terms(" ".join(words[:end]) or question)) if found else None


def subject(question: str) -> str:
    """The office, group or thing that a question is about, which an answer has to name; often empty."""
    found = SUBJECT.search(question[:1].lower() + question[1:])
    return next(filter(None, found.groups()), "") if found else ""


def asks_how(question: str) -> bool:
    """Whether a question asks how something is done."""
    return bool(PROCEDURE.search(question))


def asks_several(question: str) -> bool:
    """Whether a question asks for more than one thing of a kind."""
    match = SEVERAL.search(question)
    if not match:
        return False
    noun = match["noun"] or match["german"] or match["subject"]
    return bool(PLURAL.fullmatch(noun)) if noun else True


def asks_to_work_out(question: str) -> bool:
    """Whether a question asks for a total, an average, an extreme or a comparison."""
    return any(pattern.search(question) for pattern in COMPUTED.values())


def not_stated(question: str, text: str) -> bool:
    """Whether a question asks for something that is worked out, and a text does not state it."""
    return any(pattern.search(question) and not pattern.search(text) for pattern in COMPUTED.values())
