"""Reads a page of metrics."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


class Numbers:
    """The samples of a page, by name and labels."""

    def __init__(self, page: str) -> None:
        self.samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]

    def total(self, name: str, /, **labels: str) -> float:
        """The sum of the samples of a name that have these labels."""
        fitting = (each for each in self.samples if each.name == name and labels.items() <= each.labels.items())
        return sum(each.value for each in fitting)

    def values(self, label: str) -> Counter[str]:
        """How many samples have each value of a label."""
        return Counter(each.labels[label] for each in self.samples if label in each.labels)
