"""What a question asks for by its form, and its terms with the other words by which a text may say them; pure."""

import re
from functools import cache, lru_cache

from ..text.function_words import FUNCTION_WORDS, is_number_word
from ..text.words import TermWeight, terms
from .names import CARRIED

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
    r"|\b(?:what|who) are\b|\bwhat(?:['’]s| is| has| was)? (?:new|changed)\b"
    r"|\ball (?:the )?\w+s\b|\bwelche\w* (?P<german>\w+)|\bquel(?:le)?s\b|\bquali\b|\bcuáles\b",
    re.IGNORECASE,
)
PLURAL = re.compile(r"(?:\w{2,}(?:[^siu\W]s|ies|oes)|people|men|women|children|criteria|staff|\w+en)", re.IGNORECASE)
SUBJECT = re.compile(
    r"\bwho (?:is|was|are|were) (?:(?:the|our|an?) )?(?:[a-z]+ )*?(?P<office>[a-z]+)(?= (?:of|in|at|for|from)\b|\W*$)"
    r"|\bhow \w+ .*?\b(?:(?:do|does|may|can|must|should) (?:an? (?P<one>[a-z]+)|(?P<several>[a-z]{3,}s))"
    r"|does the (?P<role>[a-z]+))(?= [a-z])"
    r"|(?:\b(?:what|how) .*\bfor (?:an? (?=[a-z]+\W*$)|(?=[a-z]+s\W*$))|\bof an? |^who [a-z]+s )(?P<whom>[a-z]{3,})"
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


WITH_VECTORS = ("en", "und")
"""Languages whose meaning the packaged embeddings know; in others only the words tell."""
NOUN = re.compile(r"(?<!welche )(?<!welche[mnrs] )\b[A-ZÄÖÜ]\w+")
"""A German noun, but for what is asked for: `Auf welcher Höhe liegt es?`"""
CARRIED_SHARE = 0.3
"""What a word counts that a conversation, or the first part of a question, has carried along."""
ORDERS = re.compile(
    r"^\W*(?:please\s+)?(?:list|name|show|give|tell|enumerate|explain|describe)"
    r"(?:\s+(?:me|us|all|every|the|about))*\s+(?=\w)|^\W*what\s+(?:comes|happens|follows)\b"
    r"|\bwhat\s+(?:is|are)\s+the\s+(?:rules?|polic(?:y|ies)|regulations?|details?)\s+(?:for|on|about|of)\b"
    r"|\bwhere\s+(?:do|can|should)\s+(?:i|we|you)\s+(?:go|turn|find)\b"
    r"|\bwho\s+(?:do|can|should)\s+(?:i|we|you)\s+(?:turn|ask|contact)\b",
    re.IGNORECASE,
)
"""What asks for something and is no word of it."""
ASKS_IN_CJK = re.compile(
    r"[在是]?[几哪谁什么怎吗呢多少]+(?:时候|时间|[里儿个点])?|[何誰幾][時日番]?|(?:언제|어디|무엇|누구|몇)[가-힣]*"
)
"""What asks in Chinese, Japanese and Korean, and stands in no answer."""

ASKS_IN_OTHER_LANGUAGES = re.compile(
    r"\b(?:kost(?:et|en)?|coûte(?:nt)?|cuestan?|costa(?:no)?)\b"
    r"|\b(?:quelle heure|qué hora|che ora|wie ?viel uhr|uhrzeit|hoe laat)\b"
    r"|\bwie (?:viele?|lange|hoch|oft|weit|groß|schwer|tief)\b|\bcombien\b"
    r"|\bcu[aá]nt[oa]s?\b|\bquant[oaie]\b|\bhoe(?:veel| lang| hoog| vaak| ver)\b|\b(?:dónde|cuándo|cómo)\b"
    r"|\b(?:darf|dürfen|peut-on|puis-je|doit-on|(?:se )?puede|puedo|si può|posso)\b|\bfinde?t? (?:ich|man|sich)\b"
    r"|可以|能否|请问|얼마|(?:입니|습니|ㅂ니)까|나요|가요",
    re.IGNORECASE,
)
"""What asks in other languages than English, and stands in no answer."""
MEASURE = re.compile(
    r"\bhow (high|large|big|often)\b|\b(amount|montant|betrag|importe|importo|bedrag)\b", re.IGNORECASE
)
"""What asks for any number, whatever it is of: `How high is the fee?`."""
PARTICLE = re.compile(r"\b(\w+)[ -](in|out|on|off|up|down)\b", re.IGNORECASE)
"""A verb or noun with the word that makes it another one: check in, check-out."""

AGENT = re.compile(r"(?<=\w{3})[eo]r$")
"""The end of who or what does something: `driver`."""
KIN = """
    heavy heavier heaviest weigh weight mass | tall taller tallest height | deep deeper deepest depth | wide wider
    widest width | old older oldest age built | fast faster fastest speed | loud louder loudest noise | hot hotter
    hottest temperature | longer longest length duration | strong strongest powerful power strength | large larger
    largest big bigger biggest size area | cheap cheaper cheapest expensive price cost fee | lead led | build built
    | pay paid payment | sell sold sale | hold held | teach taught | buy bought | send sent | leave left | keep kept
    | meet met | run ran | write wrote written | drive drove driven | choose chose chosen choice | take took taken
    | spend spent | win won | find found | lose lost loss | begin began begun | grow grew grown growth
    | speak spoke spoken speech | steal stole stolen theft | break broke broken | bring brought | tell told
    | stand stood | rise rose risen | fall fell fallen | fly flew flown flight | complain complaint | respond response
    | deliver delivery | apply application | decide decision | permit permission | reduce reduction | fail failure
    | weigh weight | renew renewal | see saw seen sight | know knew known knowledge | sick ill sickness illness
    | child children | two 2 | three 3 | four 4 | five 5 | six 6 | seven 7 | eight 8 | nine 9 | ten 10
    | eleven 11 | twelve 12
    """
"""Words by which a text may say what a question asks: measures of adjectives, forms and nouns of irregular verbs."""


@lru_cache(maxsize=8192)
def term_set(text: str, language: str = "en") -> frozenset[str]:
    """The distinct terms of a text."""
    return frozenset(terms(text, language))


def asked_terms(question: str, language: str = "en") -> frozenset[str]:
    """The distinct terms of a question, but for those that only ask."""
    return term_set(ASKS_IN_CJK.sub(" ", ASKS_IN_OTHER_LANGUAGES.sub("", ORDERS.sub("", question))), language)


def telling(question: str, weigh: TermWeight, language: str) -> TermWeight:
    """How telling a term of a question is: where only the words tell, all count the same, and German nouns twice.

    What a conversation has carried along counts less than the question's own words.
    """
    nouns = term_set(" ".join(NOUN.findall(question)), language) if language == "de" else frozenset()
    own = term_set(CARRIED.sub("", question), language)
    known = weigh if language in WITH_VECTORS else lambda term: 1.0 + (term in nouns)
    return lambda term: known(term) * (1.0 if term in own else CARRIED_SHARE)


def said(wanted: frozenset[str], here: frozenset[str]) -> frozenset[str]:
    """The terms of a text, and those of a question that it says by another word of the same root or measure."""
    return here | {term for term in wanted - here if akin(term) & here}


def said_in(question: str, text: str, wanted: frozenset[str], here: frozenset[str]) -> frozenset[str]:
    """What a text says of a question's terms: a number is how high it is, and to check in is not to check out."""
    particles = {word.lower(): particle.lower() for word, particle in PARTICLE.findall(question)}
    stated = {(word.lower(), particle.lower()) for word, particle in PARTICLE.findall(text)} if particles else set()
    others = {word for word, _ in stated if word in particles and (word, particles[word]) not in stated}
    measure = MEASURE.search(question)
    counted = measure and any(is_number_word(word) for word in re.findall(r"\w+", text.lower()))
    if measure and counted:
        word = measure[measure.lastindex or 0].lower()
        here |= {term for term in wanted if word.startswith(term)}
    return said(wanted, here) - term_set(" ".join(others))


@lru_cache(maxsize=4096)
def akin(term: str) -> frozenset[str]:
    """The terms by which a text may say another: who drives is the driver, how heavy something is its weight."""
    root = AGENT.sub("", term)
    agents = [root, f"{root}e"] if root != term else [f"{root.removesuffix('e')}{ending}" for ending in ("er", "or")]
    return frozenset(agents).union(*(group for group in _kin() if term in group))


@cache
def _kin() -> list[frozenset[str]]:
    return [term_set(group) for group in KIN.split("|")]
