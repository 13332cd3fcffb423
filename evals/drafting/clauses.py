"""Takes a plain English sentence apart into subject, verb and rest, and turns it into a question; pure.

Only sentences whose first verb can be told without a tagger are taken: an auxiliary, or one of VERBS in the present.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

AUXILIARIES = frozenset("is are was were can may must should will".split())
VERBS = frozenset(
    """accept add allow answer apply approve arrive ask become begin belong bring build buy call carry change charge
    check clean close come compute confirm contain continue control convert copy cost count cover create cut decide
    define delete deliver demonstrate depend describe detect determine display drop earn enable end enforce
    enter evaluate expire
    extend fall fit follow generate get give go grant handle happen have help hold implement import include inform
    inspect install keep last lead leave let limit list load lock look lose make manage measure move need occur offer
    open order own pass pay perform play prevent print process produce provide publish raise reach read receive record
    reduce register release remove replace report represent request require reset return review rise run save score
    search see select send serve set share ship show sign speak specify start stay stop store supply support switch take
    tell test track train treat trigger turn update upload download use validate wait warn weigh work write""".split()
)
VAGUE = re.compile(
    r"\b(?:it|they|them|this|that(?= (?:is|are|was|way|case|time)\b)|these|those|he|she|we|us|i|there|here|you"
    r"|above|below|such|former|latter|following"
    r"|all (?:two|three|four|five)|same|another|other|others|then|also|both|each|either|neither|however|e\.g|i\.e"
    r"|etc)\b",
    re.IGNORECASE,
)
"""Words by which a sentence leans on what stands around it."""
SUBJECT_ENDS = re.compile(
    r"[,:;()\"“]|\b(?:if|when|where|who|which|because|while|unless|after|before|until|as|to(?! (?:a|an|the)\b))\b"
)
CLAUSE_ENDS = re.compile(
    r"\s*(?:;|:(?=\s|$)|,? \b(?:but|which|who|whom|whose|because|although|while|whereas|and then|so that)\b"
    r"|, (?:and|so)\b"
    r"| and (?=(?:is|are|was|were|can|may|must|should|will|has|have)\b)).*$"
)
LONGEST_SUBJECT = 10
Names = frozenset[str]
"""Words, in lower case, that the documents write with a capital more often than without."""


@dataclass(frozen=True)
class Clause:
    """A subject with its verb; `helper` is what stands before the subject in a question, `verb` what stays behind."""

    subject: str
    helper: str
    verb: str
    rest: str

    def question(self, asked: str, rest: str) -> str:
        """`asked` with the verb before the subject, and what is left of the rest."""
        words = " ".join(part for part in (asked, self.helper, self.subject, self.verb, rest) if part)
        return re.sub(r"\s+([,.])", r"\1", re.sub(r"\s+", " ", words)).rstrip(" ,.") + "?"

    @property
    def plain(self) -> bool:
        """Whether the verb only says what the subject is."""
        return self.helper in ("is", "are", "was", "were") and not self.verb


def clause_of(reading: str, names: Names = frozenset()) -> Clause | None:
    """The first clause of a sentence; None where its subject or verb cannot be told, or leans on something else."""
    text = CLAUSE_ENDS.sub("", reading.strip().rstrip(".")).strip()
    words = text.split(" ")
    for place, word in enumerate(words[1 : LONGEST_SUBJECT + 1], 1):
        subject, rest = " ".join(words[:place]), " ".join(words[place + 1 :])
        if word in AUXILIARIES:
            return _clause(subject, word, "", rest, names)
        lemma = lemma_of(word)
        if lemma and rest and words[place + 1] not in AUXILIARIES and _can_act(words[:place], word):
            return _clause(subject, "do" if lemma == word else "does", lemma, _until_next_verb(rest, word), names)
    return None


def _until_next_verb(rest: str, verb: str) -> str:
    """The rest up to a second verb of the same subject: `and uploads the form`."""
    for match in re.finditer(r",? and (\w+)\b", rest):
        other = match.group(1)
        if lemma_of(other) and other.endswith("s") == verb.endswith("s"):
            return rest[: match.start()]
    return rest


def lemma_of(word: str) -> str:
    """The verb of a form in the present; empty where there is none."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")
    return next((form for form in forms if form in VERBS), "")


def _can_act(subject: list[str], verb: str) -> bool:
    """Whether a subject agrees with a verb that could be a noun too: `the job changes`, and not `the changes`."""
    last = subject[-1].lower()
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is"))
    if last in ARTICLES or last.rstrip("s") in PREPOSITIONS:
        return False
    return plural != verb.endswith("s") and (len(subject) > 1 or plural or subject[0][0].isupper())


def _clause(subject: str, helper: str, verb: str, rest: str, names: Names) -> Clause | None:
    bad = SUBJECT_ENDS.search(subject) or VAGUE.search(subject) or VAGUE.search(rest) or rest.startswith("not ")
    if bad or not rest or not subject[0].isupper() or subject.split(" ")[0] in NO_SUBJECT:
        return None
    return Clause(lowered(subject, names), helper, verb, rest)


def lowered(subject: str, names: Names) -> str:
    """A subject inside of a sentence: its first word small, unless it is a name or written like one."""
    first = subject.partition(" ")[0]
    common = first == "A" or (first[1:].islower() and first.lower() not in names)
    return subject[0].lower() + subject[1:] if common else subject


IRREGULAR: Mapping[str, str] = {"has": "have", "have": "have", "does": "do", "goes": "go", "carries": "carry"}
ARTICLES = frozenset("the a an of for with in on at by from or and every all no its their any some one two".split())
PREPOSITIONS = frozenset("of for with in on at by from to per".split())
NO_SUBJECT = frozenset(
    """That If When While After Before Until No Their Its His Her Our Your My Unless Because Since In On At For From
    With Without By To Not Do Please Only Use
    As Although Once During Where What How Why Who See Note Set Let Nobody None Nothing Run Add Each Both
    There""".split()
)
