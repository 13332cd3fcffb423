"""What text that instructs an assistant speaks of: words and patterns in five languages, with weights; pure."""

import re
from collections.abc import Callable

Words = frozenset[str]


def _words(text: str) -> Words:
    return frozenset(text.split())


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
