"""Finds text that instructs the assistant or tampers with its prompt, and takes it out of passages; pure.

A sentence is scored by what it speaks of: the assistant, its instructions, the reply to come, the absence of limits,
and by the markers of chat templates. What procedures say counts for nothing: `Press the button` and `Answer within 3
days` speak of none of these. Text in disguise (encoded, reversed, in digits or invisible letters) is scored as it reads
without the disguise.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ..learned import logistic
from ..state import Passage
from ..text.sentences import units
from ..text.words import terms

FLAGGED = 0.5
"""The score from which on a sentence is taken out."""
BIAS = -2.75
LONGEST = 2000
"""Characters of a sentence that are scored."""


Words = frozenset[str]


def _words(text: str) -> Words:
    return frozenset(text.split())


# Words of English, German, French, Spanish and Italian, in lower case and without accents.
OVERRIDE = _words(
    """ignore disregard forget override overwrite bypass discard abandon neglect ignoriere ignorieren ignoriert vergiss
    missachte missachten oublie oublier oubliez ignorer ignorez olvida ignora olvide dimentica trascura"""
)
INSTRUCTIONS = _words(
    """instruction instructions prompt prompts directions directive directives guideline guidelines rules restrictions
    programming training safety message messages anweisung anweisungen richtlinien sicherheitsrichtlinien regeln
    vorgaben
    consigne consignes regles instrucciones reglas directrices istruzioni regole linee"""
)
GIVEN = _words(
    """all previous prior preceding earlier above former initial original system hidden developer your given you safety
    vorherigen bisherigen obigen alle deine deiner ihre precedentes anterieures tes vos toutes anteriores previas tus
    todas precedenti tue tuoi tutte"""
)
REVEAL = _words(
    """reveal leak expose disclose dump print output display repeat recite show tell share give me zeig zeige verrate
    nenne revele revelez montre affiche muestra revela mostra mostrami rivela"""
)
PROMPTS = _words(
    """prompt prompts instructions instrucciones istruzioni anweisungen configuration page pages data daten
    systemprompt"""
)
REPLY = _words(
    """answer answers response responses reply replies output outputs completion completions message messages antwort
    antworten reponse reponses respuesta respuestas risposta risposte"""
)
SUMMARY = REPLY | _words("summary summaries zusammenfassung zusammenfassungen resume resumes resumen riassunto")
SHAPE = _words(
    """add append attach include insert integrate incorporate mention begin end finish prefix replace substitute modify
    alter change adjust enhance augment enrich extend supplement embed weave render convert transform translate encode
    encrypt encipher reverse rewrite write format craft express scramble jumble shuffle anagram anagrams misspell remove
    omit use suggest recommend promote advertise hint appended included inserted added repeated prefixed shown fuge
    fugen
    zufugen hinzufugen angehangt anhangen beende schreibe ubersetze ajoute ajouter ajoutez termine incluye anade anadir
    anadirse agrega aggiungi includi aggiunto aggiunta"""
)
MUST = _words(
    "must should shall has have need required shown muss mussen soll debe debes doit deve devi verbatim repeat"
)
EVERY = _words("every any each all future jeder jede jedes aller allen chaque tout toute cada cualquier ogni")
ASSISTANT = _words(
    """ai ki llm llms gpt chatgpt claude gemini copilot bot bots chatbot chatbots assistant assistants assistent
    asistente
    assistente"""
)
ACT = _words("send email mail forward post upload call invoke execute delete grant transfer empty leak proceed print")
UNLIMITED = re.compile(
    r"\b(?:(?:no|without|ohne|sans|sin|senza|keine[nr]?|any) (?:\w+ ){0,2}?(?:restrictions?|filters?|limits?"
    r"|limitations?"
    r"|rules|guidelines|polic(?:y|ies)|censorship|einschrankung(?:en)?|einschraenkungen|regeln|richtlinien"
    r"|restricciones"
    r"|filtros?|limites|regles|filtre|restrizioni|filtri|limiti)|unrestricted|uncensored|unfiltered|uneingeschrankt"
    r"|developer mode|jailbreak\w*|modo desarrollador|entwicklermodus|do anything now"
    r"|(?:safety|security|content) \w+ (?:disabled|off|removed|lifted)"
    r"|(?:allow|answer|comply with|beantworte|responde|repond\w+) (?:\w+ )?(?:everything|anything|all content"
    r"|every request"
    r"|alles|cualquier cosa|tout))\b"
)
PERSONA = re.compile(
    r"\b(?:you (?:are|will be|shall be) (?:now|no longer|going to|about to)|you now|from now on|act as|acting as"
    r"|pretend"
    r"|from this (?:point|message)|role-?play|simulate|du bist (?:jetzt|nun)|ab (?:jetzt|sofort)"
    r"|tu es (?:maintenant|desormais)|desormais|(?:ahora )?eres|ahora estas|a partir de ahora|sei ora|d['’]ora in poi"
    r"|als assistent|come assistente|en tant qu['’]assistant)\b"
)
ADDRESSED = re.compile(
    r"\b(?:notes?|message|hint|attention|instructions?|hinweis|nota|dear|hello|hey|hi)[ ,:]+"
    r"(?:(?:to|for|fur|pour|para|per) )?(?:\w+ ){0,2}?"
    r"(?:ai|ki|llms?|chatgpt|(?:chat)?bots?|assistants?|language models?|agents?|self)\b"
    r"|\b(?:if|as) you(?: are|['’]re)? an? (?:ai|llm|assistant|language model|bot)\b"
    r"|\b(?:ai|llm|assistant) (?:agents?|assistants?|models?|systems?|tools?)\b[^.!?]{0,60}\b(?:should|must|shall"
    r"|need to)\b"
    r"|\(assistant\)"
)
MARKER = re.compile(
    r"<\|\w+\|>|\[/?(?:inst|system|sys)\]|<</?sys>>|</?(?:system|assistant|instructions?|prompt|passages?"
    r"|question)(?:\s[^>]*)?>"
    r"|[-=#*_]{3,}\s*(?:end|begin|start) of [a-z ]+|^\W*###\s*(?:system|instruction|assistant|user)\b"
)
ROLE = re.compile(
    r"(?:^|[.!?-]\s*)\W*(?:(?:important )?system(?: (?:update|override|notice|note|message|alert))?|assistant|developer"
    r"|system(?:hinweis|meldung)|nota del sistema|note systeme|override)\s*:"
)
TRIGGER = re.compile(
    r"\b(?:when|if|once|after|as soon as|while|before) (?:you )?(?:(?:read|see|process|summari[sz]e|review"
    r"|parse)(?:ing)? (?:this|these)"
    r"|(?:respond|answer|reply)(?:ing)?)\b|\bthe next user message"
)
CALLS = re.compile(r"\b(?:call|invoke|run|execute|trigger) (?:the )?(?:\w+ )?[a-z]+_[a-z_]+\b")
DECODE = re.compile(
    r"\b(?:decod|decrypt|dekodier)\w*\b.*\b(?:follow|do|obey|execute|comply|perform|carry out|befolge|suis|sigue)\b"
)
NEW = re.compile(
    r"\b(?:(?:your )?(?:new|neue|nouvelles?|nuevas?|nuove|updated|only) (?:system )?(?:instructions?|directives?"
    r"|anweisung(?:en)?|instrucciones|istruzioni|task)\b(?: is\b| are\b|\s*:|\s+supersede)"
    r"|your (?:rules|instructions|guidelines) (?:have|are) (?:been )?(?:changed|replaced|updated))"
)
MEMORY = re.compile(r"\b(?:save|store|remember|keep|persist)\w*\b[^.!?]*\byour (?:\w+ )?memory\b")
SAY_ONLY = re.compile(
    r"(?:^|[.!?:;,]\s|\b(?:please|and|instead|must|now)\s)\W*(?:only |simply |just |always )?(?:say|reply|respond"
    r"|answer|output)\b"
    r"(?:(?<=only say)|(?<=only reply)|(?: \w+){0,3} (?:only|exactly|nothing but|verbatim|word for word))\b"
    r"|\btell the (?:user|reader)\b"
)
CODE_TO_USE = re.compile(
    r"\b(?:following|below|subsequent) code (?:snippet|block|excerpt|section|segment)\b.*\byour\b"
    r"|\b(?:your|incorporat\w*|integrat\w*|embed\w*|insert\w*|inject\w*|utili[sz]\w*|employ\w*|leverag\w*|merg\w*"
    r"|weav\w*)\b"
    r".*\b(?:following|below|subsequent) code (?:snippet|block|excerpt|section|segment)\b"
)
"""An order to work code into the code that is to be written."""
SAY_LITERAL = re.compile(
    r"(?:^|[.!?:;,]\s|\b(?:please|and|then|must|now|always|only|just)\s)\W*"
    r"(?:say|repeat|reply|respond|output|print)(?: only| just| back)?(?: with| by saying)?:?"
    r"(?: the (?:words?|codes?|phrases?|tokens?|strings?|following)(?: \w+)?:?| [\"'“«\u2018`]"
    r"| (?=[\w-]*\d)[\w-]{4,}| [\w-]+\W*$)"
    r"|\b(?:say|repeat|print|output) the (?:codes?|phrases?|tokens?|strings?) (?=[\w-]*\d|[\"'“«`])"
)
"""An order to say something that the order itself has: a word in quotes, a code, or a single word."""
NEGATED = re.compile(r"\b(?:not|never|n['’]t|nicht|niemals|jamais|nunca|mai|no)\W+(?:\w+\W+)?$")
PROMPT = re.compile(
    r"\b(?:system ?-?prompts?|prompt (?:del |de )?(?:sistema|systeme)|instructions (?:that )?you (?:were"
    r"|have been) given"
    r"|(?:hidden|initial|original|internal|secret|exact|your|tes|deine[nr]?|tus|tue) (?:system )?(?:prompts?"
    r"|instruc?tions?"
    r"|instruc?ciones|istruzioni|anweisungen|configuration)"
    r"|(?:admin|confidential|private|internal\w*) (?:\w+ )?(?:pages?|data|daten))\b"
)
YOUR_REPLY = re.compile(rf"\b(?:your|deine[rnms]?|ta|votre|tu|tua)\W+(?:\w+\W+){{0,2}}?(?:{'|'.join(sorted(REPLY))})\b")
EVERY_REPLY = re.compile(rf"\b(?:{'|'.join(sorted(EVERY))})\W+(?:\w+\W+)?(?:{'|'.join(sorted(SUMMARY))})\b")
ORDER = re.compile(
    r"(?:^|[.!?:;,]\s*|\b(?:please|and|then|to|also|always|now|you|must|should|shall|by|with|bitte|und|et|y|e)\s)"
    r"\W*(?:\w+ly )?$"
)
WORD = re.compile(r"[^\W\d_]+")


def _overrides(text: str) -> bool:
    """Whether instructions are to be set aside; `Never ignore the safety instructions` says otherwise."""
    for found in WORD.finditer(text):
        if found.group() in OVERRIDE and not NEGATED.search(text[: found.start()]):
            after = frozenset(WORD.findall(text[found.end() : found.end() + 90].split(". ")[0]))
            if after & INSTRUCTIONS and after & GIVEN:
                return True
    return False


def _shapes_reply(text: str) -> bool:
    """Whether it says how a reply of the reader is to be written."""
    if YOUR_REPLY.search(text):
        return any(found.group() in SHAPE and ORDER.search(text[: found.start()]) for found in WORD.finditer(text))
    return bool(EVERY_REPLY.search(text))


def _acts(text: str) -> bool:
    return bool(TRIGGER.search(text) or ROLE.search(text))


def _always(text: str) -> bool:
    return True


Sign = tuple[float, tuple[Words, ...], Callable[[str], object]]
SIGNS: tuple[Sign, ...] = (
    (4.0, (OVERRIDE, INSTRUCTIONS, GIVEN), _overrides),
    (3.5, (REVEAL, PROMPTS), PROMPT.search),
    (3.5, (SUMMARY, SHAPE, MUST | _words("your deine deiner deinen deinem ta votre tu tua")), _shapes_reply),
    (
        2.0,
        (
            _words(
                """restriction restrictions filter filters limit limits limitation limitations rules guidelines policy
                policies
                censorship einschrankung einschrankungen einschraenkungen regeln richtlinien restricciones filtro
                filtros limites
                regles filtre restrizioni filtri limiti unrestricted uncensored unfiltered uneingeschrankt developer
                jailbreak
                desarrollador entwicklermodus anything everything disabled lifted alles cualquier tout content
                request"""
            ),
        ),
        UNLIMITED.search,
    ),
    (
        1.5,
        (
            _words(
                """now longer going about act acting pretend roleplay role simulate jetzt nun sofort maintenant
                desormais eres ahora
                ora assistent assistente assistant from"""
            ),
        ),
        PERSONA.search,
    ),
    (1.0, (ASSISTANT,), _always),
    (3.0, (ASSISTANT | _words("agent agents self language"),), ADDRESSED.search),
    (1.5, (_words("system systemhinweis systemmeldung systeme sistema assistant developer override"),), ROLE.search),
    (1.5, (_words("when if once after soon while before next"),), TRIGGER.search),
    (1.5, (ACT,), _acts),
    (1.5, (_words("call invoke run execute trigger"),), CALLS.search),
    (3.5, (_words("follow do obey execute comply perform carry befolge suis sigue"),), DECODE.search),
    (3.0, (INSTRUCTIONS | _words("task"),), NEW.search),
    (3.0, (_words("say repeat reply respond output print"),), SAY_LITERAL.search),
    (3.0, (_words("code"), _words("following below subsequent")), CODE_TO_USE.search),
    (3.0, (_words("memory"),), MEMORY.search),
    (
        3.0,
        (
            _words("say reply respond answer output print tell"),
            _words("only exactly nothing verbatim word always simply just user reader"),
        ),
        SAY_ONLY.search,
    ),
)
"""Each sign: its log-odds, sets of words of each of which it has one, and what else it has."""
MARKER_WEIGHT = 3.5
BRACKETS = (
    "<|",
    "[inst",
    "[/inst",
    "[sys",
    "<<",
    "</",
    "<s",
    "<a",
    "<i",
    "<p",
    "<q",
    "###",
    "---",
    "===",
    "***",
    "___",
)
INVISIBLE = re.compile(
    r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]+"
)
COMMON = ("ignor", "instruc", "prompt", "your ", "previous")
"""Words that show which way round a text is to be read."""
BACKWARDS = tuple(word[::-1] for word in COMMON)
ROTATED = tuple(codecs.encode(word, "rot13") for word in COMMON)
DISGUISE = re.compile(r"[A-Za-z0-9+/_-]{24}|(?:[01]{8} ){4}|[A-Za-z][013457$@][A-Za-z]|\b\w \w \w \w\b")
SPACED = re.compile(r"\b(?:\w ){3,}\w\b")
RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,6}|(?:[01]{8}\s?){6,}")
LEET = str.maketrans("013457$@", "oieastsa")
LEET_WORD = re.compile(r"\b(?:[a-z]+[013457$@]|[013457$@]+[a-z])[\w$@]+")
REQUEST = re.compile(
    r"^\W*(?:(?:please|kindly|can you|could you|would you|bitte|remember to|don['’]t (?:forget|hesitate) to"
    r"|consider) )*(?:write|provide|explain"
    r"|describ|summari[sz]|translat|compos|develop|suggest|analy[sz]|list|generat|creat|classif|determin|compar"
    r"|break down|help me|show me|tell me|give me|identif|outlin|draft|recommend|discuss|replac|convert|encod"
    r"|rephras|use)\w*\b"
)
CODE = re.compile(
    r"```|\b(?:following|below|subsequent) code\b|\bcode (?:snippet|block|excerpt|section)|\w\(.*\)|^import \w"
    r"|[{};]\s*$|\w = \S"
)


def score(text: str) -> float:
    """How likely a text is to instruct the assistant, 0 to 1."""
    return logistic(BIAS + max(map(_points, _readings(text[:LONGEST]))))


def is_injection(text: str) -> bool:
    """Whether a text instructs the assistant."""
    return score(text) >= FLAGGED


def is_request(text: str) -> bool:
    """Whether a text asks for something or is code: no statement, and no support unless it is about the question."""
    plain = _plain(text)
    return plain.rstrip("\"'”’) ").endswith("?") or bool(REQUEST.search(plain) or CODE.search(text))


def _points(text: str) -> float:
    words = frozenset(WORD.findall(text))
    possible = [(weight, sign) for weight, needed, sign in SIGNS if not any(words.isdisjoint(each) for each in needed)]
    marked = MARKER_WEIGHT if any(each in text for each in BRACKETS) and MARKER.search(text) else 0.0
    if marked + sum(weight for weight, _ in possible) < -BIAS:
        return 0.0
    return marked + sum(weight for weight, sign in possible if sign(text))


def _readings(text: str) -> Iterator[str]:
    """The text as it reads in plain letters, and as it reads without a disguise."""
    plain = _plain(text)
    yield plain
    if any(each in plain for each in BACKWARDS):
        yield plain[::-1]
    if any(each in plain for each in ROTATED):
        yield codecs.encode(plain, "rot13")
    if not text.isascii():
        yield _plain("".join(chr(ord(each) - 0xE0000) for each in text if 0xE0020 <= ord(each) < 0xE007F))
    if not DISGUISE.search(text):
        return
    plain = SPACED.sub(lambda found: found.group().replace(" ", ""), plain)
    yield plain
    if len(LEET_WORD.findall(plain)) >= 3:
        yield plain.translate(LEET)
        yield plain.translate(LEET).replace("i", "l")
    for run in RUN.findall(text):
        yield from map(_plain, _decoded(run))


def _plain(text: str) -> str:
    """In lower case, without accents and invisible letters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", INVISIBLE.sub("", text))
        text = "".join(each for each in text if not unicodedata.combining(each)).replace("ß", "ss")
    return " ".join(text.lower().split())


def _decoded(run: str) -> Iterator[str]:
    """What a run of letters says in binary, hexadecimal, base 32 and base 64, where that is text."""
    bits = run.split() if set(run) <= set("01 ") else []
    decoders: tuple[Callable[[], bytes], ...] = (
        lambda: bytes(int(each, 2) for each in bits),
        lambda: bytes.fromhex(run),
        lambda: base64.b32decode(run),
        lambda: base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if {"-", "_"} & set(run) else None),
    )
    for decode in decoders:
        try:
            text = decode().decode("ascii")
        except (ValueError, binascii.Error):
            continue
        if len(text) > 3 and text.isprintable():
            yield text


STATEMENT = re.compile(
    r"^\W*(?:[\w'’-]+\W+){1,8}?(?:is|are|was|were|has|have|had|will|can|may|must|shall|should|does|do|did|costs?"
    r"|takes?)\b"
)
SECOND_PERSON = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)


def quarantine(passages: Sequence[Passage]) -> list[Passage]:
    """The passages with blanks where they instruct the assistant, so that offsets stay; without those of which
    nothing is left."""
    cleaned = [_without_instructions(passage) for passage in passages]
    return [passage for passage in cleaned if passage["text"].strip()]


def _without_instructions(passage: Passage) -> Passage:
    spans = planted(passage["text"], passage["header"])
    if not spans:
        return passage
    text = passage["text"]
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    own = units(passage["text"], passage["header"])
    kept = [number for number, unit in enumerate(own) if text[unit.start : unit.end].strip()]
    similar = [passage["similar"][number] for number in kept] if len(passage["similar"]) == len(own) else []
    return Passage(**{**passage, "text": text, "similar": similar})


def without_orders(question: str) -> str:
    """A question without the sentences that instruct the assistant; as it is where nothing else is left."""
    rest, last = "", 0
    for start, end in planted(question):
        rest, last = rest + question[last:start], end
    rest = " ".join((rest + question[last:]).split()) if last else question
    return rest if any(map(str.isalnum, rest)) else question


@lru_cache(maxsize=16384)
def planted(text: str, header: str = "") -> tuple[tuple[int, int], ...]:
    """The stretches of a text that instruct the assistant, with what they refer to and the orders that follow them."""
    pieces = [line for piece in _pieces(text, header) for line in _lines(text, *piece)]
    flagged = {number for number, (start, end) in enumerate(pieces) if is_injection(text[start:end])}
    for number in sorted(flagged):
        said = text[slice(*pieces[number])].lower()
        if number and "above" in said:
            flagged.add(number - 1)
        after = number + 1
        if said.rstrip().endswith(":") or "below" in said or "following" in said:
            flagged.add(after)
            flagged |= set(_fenced(text, pieces, after))
        while after < len(pieces) and _goes_on(text, pieces[after - 1], pieces[after]):
            flagged.add(after)
            after += 1
    return tuple(pieces[number] for number in sorted(flagged) if number < len(pieces))


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The lines of a unit that instructs where single lines of it do; else the unit."""
    if "\n" not in text[start:end] or not is_injection(text[start:end]):
        return [(start, end)]
    lines = [(start + line.start(), start + line.end()) for line in re.finditer(r"[^\n]+", text[start:end])]
    return lines if any(is_injection(text[first:last]) for first, last in lines) else [(start, end)]


def _pieces(text: str, header: str) -> Iterator[tuple[int, int]]:
    """The units of a text, and the lines between them, such as headings."""
    end = 0
    for unit in (*units(text, header), None):
        start = unit.start if unit else len(text)
        for line in re.finditer(r"[^\n]+", text[end:start]):
            if any(map(str.isalnum, line.group())):
                yield end + line.start(), end + line.end()
        if unit:
            yield unit.start, unit.end
            end = unit.end


def _fenced(text: str, pieces: Sequence[tuple[int, int]], first: int) -> Iterator[int]:
    """The pieces of the code block that begins before a piece, if one does."""
    begin = text.rfind("```", 0, pieces[first][0] + 3) if first < len(pieces) else -1
    if begin >= pieces[first - 1][1]:
        end = text.find("```", begin + 3)
        yield from (n for n in range(first, len(pieces)) if end < 0 or pieces[n][0] <= end)


def _goes_on(text: str, before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether an order follows in the same paragraph, and no statement."""
    said = text[slice(*after)]
    return "\n\n" not in text[before[1] : after[0]] and (
        not STATEMENT.search(said) or bool(SECOND_PERSON.search(said)) or said.rstrip().endswith("?")
    )


def is_planted(claim: str, question: str) -> bool:
    """Whether a claim instructs the assistant, or asks for something that has no term of the question."""
    if is_injection(claim):
        return True
    return bool(question) and is_request(claim) and set(terms(claim)).isdisjoint(terms(question))
