"""Numbers, amounts, dates and times: the same value in two notations, and another value."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.text.periods import periods
from graph.text.values import missing_values, values

SAME = [
    ("en", "5 years", "five years"),
    ("en", "5 years", "a 5-year term"),
    ("en", "1,200 EUR", "€1200.00"),
    ("en", "1500 euros", "EUR 1,500"),
    ("en", "90 dollars", "$90"),
    ("en", "30 %", "30 per cent"),
    ("en", "thirty percent", "30%"),
    ("en", "1 June 2024", "2024-06-01"),
    ("en", "June 1, 2024", "01.06.2024"),
    ("en", "25 kg", "25 kilograms"),
    ("en", "5 kilometres", "5000 m"),
    ("en", "40 square metres", "40 m^2"),
    ("en", "40 m2", "40 m²"),
    ("en", "60 mph", "60 miles per hour"),
    ("en", "90 min", "90 minutes"),
    ("en", "90 minutes", "1.5 hours"),
    ("en", "2 years", "24 months"),
    ("en", "2 p.m.", "14:00"),
    ("en", "1.5 million people", "1,500,000 people"),
    ("en", "2½ cups", "2.5 cups"),
    ("en", "30 working days", "30 days"),
    ("en", "a third of them", "33.3333%"),
    ("de", "14. Juni 2026", "14.06.2026"),
    ("de", "1.500,00 EUR", "1500 Euro"),
    ("de", "vierzehn Tage", "14 Tage"),
    ("de", "um 14 Uhr", "14:00"),
    ("de", "5 Millionen Euro", "5.000.000 EUR"),
    ("fr", "1 500 euros", "1500 €"),
    ("fr", "quatre-vingt-dix jours", "90 jours"),
    ("fr", "14h30", "14:30"),
    ("es", "veintidós días", "22 días"),
    ("es", "14 de junio de 2026", "14/06/2026"),
    ("it", "ventuno giorni", "21 giorni"),
    ("it", "3 chilogrammi", "3 kg"),
    ("nl", "eenentwintig dagen", "21 dagen"),
    ("nl", "14.30 uur", "14:30"),
    ("en", "two weeks", "14 days"),
    ("en", "a dozen eggs", "12 eggs"),
    ("en", "minus 18 °C", "-18 °C"),
    ("en", "€3m", "3 million euros"),
    ("en", "$2.5bn", "2,500,000,000 USD"),
    ("en", "1/2 litre", "0.5 litres"),
    ("en", "1 1/2 hours", "90 minutes"),
    ("en", "every second week", "every two weeks"),
    ("de", "jede zweite Woche", "alle 2 Wochen"),
    ("de", "zwei Euro", "2 EUR"),
    ("en", "twice a week", "2 times a week"),
    ("en", "9 in the evening", "21:00"),
    ("de", "8 Uhr abends", "20 Uhr"),
    ("fr", "le 3 mai 2026", "03/05/2026"),
    ("en", "half a year", "6 months"),
    ("en", "a year and a half", "18 months"),
    ("en", "two and a half hours", "150 minutes"),
    ("en", "three years and a half", "42 months"),
    ("de", "zweieinhalb Stunden", "150 Minuten"),
    ("fr", "deux heures et demie", "150 minutes"),
    ("es", "dos horas y media", "150 minutos"),
    ("nl", "tweeënhalf uur", "150 minuten"),
    ("en", "up to 5 guests", "no more than five guests"),
    ("en", "at least 5 guests", "no fewer than 5 guests"),
    ("fr", "au plus 5 jours", "pas plus de cinq jours"),
    ("de", "ein halbes Jahr", "sechs Monate"),
    ("fr", "une demi-heure", "30 minutes"),
    ("de", "viermal im Jahr", "4 mal im Jahr"),
    ("en", "03/31", "31 March"),
    ("es", "de 9 a 11:30", "9:00-11:30"),
    ("it", "alle 17.45", "17:45"),
    ("en", "from 3 March 2026 to 28 March 2026", "from 3 to 28 March 2026"),
    ("en", "rises by a quarter.", "rises by 25%"),
    ("es", "de las 9 a las 13 horas", "de 9:00 a 13:00"),
    ("nl", "om drie uur 's middags", "om 15.00 uur"),
    ("de", "binnen 14 Tagen", "innerhalb von zwei Wochen"),
    ("de", "ab sechs Flaschen", "mindestens 6 Flaschen"),
]


@pytest.mark.parametrize(("language", "one", "other"), SAME)
def test_the_same_value_in_two_notations_is_one(language: str, one: str, other: str) -> None:
    first, second = values(one, language), values(other, language)
    assert first
    assert second
    assert not missing_values(first, second)
    assert not missing_values(second, first)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "25 pounds", "25 kilograms"),
        ("en", "5 miles", "5 kilometres"),
        ("en", "40 metres", "40 square metres"),
        ("en", "at least 5 guests", "at most 5 guests"),
        ("en", "more than 5 guests", "no more than 5 guests"),
        ("de", "mindestens 5 Tage", "bis zu 5 Tage"),
        ("en", "5 EUR", "5 USD"),
        ("en", "2 p.m.", "02:00"),
        ("en", "4 years", "4 months"),
        ("en", "4 percent", "5 percent"),
        ("en", "5 percentage points", "5 percent"),
        ("en", "minus 18 °C", "18 °C"),
        ("en", "once a week", "twice a week"),
        ("en", "9 in the morning", "21:00"),
        ("en", "14 July", "14 June"),
        ("en", "June 2025", "June 2024"),
        ("de", "zehn Tage", "vierzehn Tage"),
        ("de", "1.500 EUR", "1,5 EUR"),
        ("fr", "deux tiers des salariés", "un tiers des salariés"),
        ("it", "ventuno giorni", "ventidue giorni"),
        ("de", "zweimal im Jahr", "viermal im Jahr"),
    ],
)
def test_another_value_is_another_one(language: str, one: str, other: str) -> None:
    assert missing_values(values(one, language), values(other, language))


def test_a_rounded_value_is_met_by_what_it_rounds_and_by_nothing_else() -> None:
    about = values("about 200 people")
    assert not missing_values(about, values("197 people"))
    assert missing_values(about, values("260 people"))
    # What was rounded has fewer digits than what it was rounded from.
    assert missing_values(values("about 3,090 people"), values("about 3,000 people"))
    assert missing_values(values("200 people"), values("197 people"))


@pytest.mark.parametrize("text", ["E52 and K5", "the KD-4401", "no number", "", "may come"])
def test_codes_and_words_are_no_values(text: str) -> None:
    assert values(text) == ()


def test_a_unit_in_the_name_of_a_column_holds_for_its_cells() -> None:
    assert not missing_values(values("6 days"), values("Lead time (days): 6"))
    assert missing_values(values("6 months"), values("Lead time (days): 6"))


def test_a_year_is_met_by_a_day_of_it_and_a_day_not_by_its_year() -> None:
    assert not missing_values(values("in 2024"), values("on 1 March 2024"))
    assert missing_values(values("on 1 March 2024"), values("in 2024"))


def test_the_first_number_of_a_range_has_the_unit_of_the_second() -> None:
    assert not missing_values(values("10 kg"), values("10 to 15 kg"))
    assert missing_values(values("10 m"), values("10 to 15 kg"))


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=80), st.sampled_from(["en", "de", "fr", "es", "it", "nl", "ko"]))
def test_any_text_can_be_read_and_meets_itself(text: str, language: str) -> None:
    found = values(text, language)
    assert not missing_values(found, found)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "every year", "annually"),
        ("en", "every 12 months", "each year"),
        ("en", "12 EUR a day", "12 EUR per day"),
        ("de", "jede Woche", "wöchentlich"),
        ("fr", "par mois", "mensuel"),
        ("it", "ogni mese", "mensile"),
        ("en", "140 euros a night", "140 euros per day"),
    ],
)
def test_a_period_is_the_same_in_other_words(language: str, one: str, other: str) -> None:
    assert periods(one, language) == periods(other, language) != frozenset()


def test_other_periods_differ_and_a_duration_is_none() -> None:
    assert periods("every month").isdisjoint(periods("every year"))
    assert periods("tutti i giorni", "it") == periods("tous les jours", "fr") == periods("täglich", "de")
    assert periods("every Monday") == periods("ogni lunedì", "it") == periods("weekly")
    assert periods("kept for a year, 5 EUR per person") == frozenset()


def test_an_article_is_no_unit() -> None:
    assert all(not value.units for value in values("For the 65-180 a partner inspects the pump.", "en"))


@pytest.mark.parametrize(
    ("text", "language"),
    [("un quart des salariés", "fr"), ("a quarter of the staff", "en"), ("een kwart van hen", "nl")],
)
def test_a_fraction_in_words_is_a_percentage(text: str, language: str) -> None:
    assert not missing_values(values("25 %"), values(text, language))


def test_the_third_of_a_month_is_a_day_and_no_fraction() -> None:
    assert values("the third of March 2024")[0].date == (2024, 3, 3)
