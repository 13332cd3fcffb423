"""Function words, and English words of time; pure."""

from .number_words import in_digits

AUXILIARIES = frozenset(
    """is are was were be been being am do does did done has have had having can could may might must shall should will
    would 's 're""".split()
)
PREPOSITIONS = frozenset(
    """of in on at by for with from to into onto over under during after before between among against through about
    besides within without via per than as like near upon across along around behind below above beyond since until till
    towards toward despite except including""".split()
)
CONJUNCTIONS = frozenset(
    "and or but nor so yet because if while although though when where that which who whom whose".split()
)
DETERMINERS = frozenset(
    "the a an this that these those its their his her our your my each every any some no all both".split()
)
PRONOUNS = frozenset("i you he she it we they them him us me himself herself itself themselves there".split())
LEADING_PRONOUN = (
    r"(?:it|they|he|she|this|these|that|those|such|its|their|his|her|es|er|sie|dies\w*|ihr\w*|sein\w*|il|elle|ils|elles"
    r"|ce|cela|cette|ces|sa|ses|leurs?|él|ella|ellos|esto|esso|essa|questo|het|hij|zij|dit|dat)\b"
)
"""A pronoun in six languages that refers to the sentence before."""
YES = "yes yeah correct right indeed exactly certainly ja jawohl richtig oui sí sì si".split()
NO = "no nein non nee".split()
FUNCTION_WORDS = AUXILIARIES | PREPOSITIONS | CONJUNCTIONS | DETERMINERS | PRONOUNS | {"not"}
DAY_WORDS = frozenset(
    """morning noon afternoon evening night midnight spring summer autumn winter am pm bc ad bce ce century centuries
    decade decades""".split()
)
TIME_UNITS = frozenset(
    """century centuries decade decades year years month months week weeks day days hour hours minute minutes second
    seconds s min h""".split()
)


def is_number_word(word: str) -> bool:
    """Whether a word in lower case is a number, in digits or spelled."""
    return in_digits(word)[:1].isdigit()
