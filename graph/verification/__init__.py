"""Checks whether the passages support each claim of an answer; works on the answers of any RAG system.

from graph.verification import verify
report = verify("How long is the warranty?", "It lasts 5 years. [1]", ["The warranty lasts 4 years."])
report.claims[0].verdict  # "contradicted"
"""

from .report import ClaimReport as ClaimReport
from .report import PassageInput as PassageInput
from .report import Report as Report
from .report import verify as verify
from .report import verify_with as verify_with
