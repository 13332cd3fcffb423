from graph.text.surfaces import is_code, names, small, surfaces, unaccented


def test_words_are_counted_in_lower_case_without_their_genitive() -> None:
    assert surfaces("Turing’s machine; the MACHINE") == {"turing", "machine", "the"}


def test_a_code_counts_whole_and_by_its_parts() -> None:
    assert surfaces("Use the AX-2000 or a 4K set") == {"use", "the", "ax-2000", "ax", "or", "a", "4k", "set"}


def test_a_number_is_not_a_word() -> None:
    assert surfaces("In 1990 it was 1,000.50 or 2025-01-31") == {"in", "it", "was", "or"}


def test_words_joined_by_a_stroke_count_each() -> None:
    assert surfaces("and/or self-service") == {"and", "or", "self", "service"}


def test_a_capital_counts_inside_a_sentence_only() -> None:
    text = "Pumps are old. Pumps by Orbex, and seals by Orbex.\nValves too: Seals"
    assert names(text) == {"orbex"}


def test_a_word_in_another_script_has_no_capital() -> None:
    assert names("see 東京 and Ωμέγα") == {"ωμέγα"}


def test_a_code_has_letters_and_digits() -> None:
    assert (is_code("ax-2000"), is_code("2000"), is_code("pump")) == (True, False, False)


def test_a_word_written_without_a_capital_somewhere_counts_as_small() -> None:
    assert small("Pumps and pumps by Orbex, and the iPad") == {"and", "pumps", "by", "the", "ipad"}


def test_a_word_is_plain_without_its_accents() -> None:
    assert [unaccented(word) for word in ("beyoncé", "weiß", "東京")] == ["beyonce", "weiß", "東京"]
