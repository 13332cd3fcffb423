"""The Grafana dashboard is JSON, and every metric that it queries is one that the server has."""

import json
import re
from pathlib import Path

import httpx
from metrics_under_test import Numbers
from server_under_test import app_over, scripted, serving
from support import ROOT

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "warrant.json").read_text("utf-8"))
ROWS = ["Traffic", "Latency by step", "Answers", "Models", "Caches", "Traces", "Releases"]
REPLY = "Laptops are replaced every 4 years [1]. Telephones are replaced every 99 years [1]."


def queries() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def test_it_has_its_rows_and_no_two_panels_share_an_id_or_a_place() -> None:
    panels = DASHBOARD["panels"]
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == ROWS
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)


def test_every_metric_and_label_that_it_queries_is_there_after_a_few_requests(
    quick_handbook: Path, tmp_path: Path
) -> None:
    prices = {str(tmp_path / "script.yaml"): (1, 2)}
    app = app_over(quick_handbook, tmp_path, scripted(tmp_path, {"reply": REPLY}), prices=prices)
    with serving(app) as url:
        for question in ("After how many years are laptops replaced?", "?"):
            httpx.post(f"{url}/rag/invoke", json={"input": {"question": question}}, timeout=60)
        samples = Numbers(httpx.get(f"{url}/metrics", timeout=60).text).samples
    labels = {name: {label for each in samples if each.name == name for label in each.labels} for name in names()}
    assert [name for name in names() if name not in {each.name for each in samples}] == []
    for query in queries():
        [name, *others] = re.findall(r"warrant_\w+", query)
        grouped = {label for group in re.findall(r"by \(([\w, ]+)\)", query) for label in group.split(", ")}
        matched = set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", query)) - {"job"}
        assert grouped | matched <= labels[name], query
        assert {*others} <= {name}


def names() -> list[str]:
    """What is queried."""
    return sorted({name for query in queries() for name in re.findall(r"warrant_\w+", query)})
