"""Traces: whole and ended in MLflow, and nobody's trouble when MLflow is away, silent or full."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from metrics_under_test import Numbers
from server_under_test import app_over, scripted, serving, until, warrant_serve
from support import QUICK, ROOT

from graph.release import Checking
from server.observability import trace_export
from server.observability.traces import sampled

HOTEL = {"input": {"question": "What is the hotel limit in the EU?", "session_id": "trip"}}
SECONDS = 60
# What MLflow warns of while it is imported is not ours to mend; as errors its warnings would break it for good.
pytestmark = pytest.mark.filterwarnings("default")


def counted(url: str, outcome: str, kind: str = "trace") -> float:
    page = Numbers(httpx.get(f"{url}/metrics", timeout=60).text)
    return page.total("warrant_traces_total", kind=kind, outcome=outcome)


@contextmanager
def traced_server(index: Path, state: Path, uri: str, **settings: object) -> Iterator[str]:
    with serving(app_over(index, state, QUICK, traces=uri, **{"traces_share": 1.0, **settings})) as url:
        yield url


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """MLflow on SQLite, its tables made by a process of its own."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    script = f"from mlflow import MlflowClient; MlflowClient({uri!r}).search_experiments()"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    return uri


def traces_in(uri: str, request_id: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("warrant")
    assert experiment
    wanted = f"trace.client_request_id = '{request_id}'"
    return list(client.search_traces(locations=[experiment.experiment_id], filter_string=wanted))


@pytest.mark.slow
def test_a_trace_is_whole_and_ended_with_a_span_for_each_step(
    quick_handbook: Path, tmp_path: Path, database: str
) -> None:
    with traced_server(quick_handbook, tmp_path, database) as url:
        sent = counted(url, "sent")
        headers = {"x-request-id": "the-client-s-own"}
        answer = httpx.post(f"{url}/rag/invoke", timeout=60, json=HOTEL, headers=headers).json()["output"]
        until(lambda: counted(url, "sent") == sent + 1)
    [trace] = traces_in(database, answer["request_id"])
    assert trace.data.spans[0].attributes["client_request_id"] == "the-client-s-own"
    root, *steps = trace.data.spans
    assert trace.info.state == "OK"
    assert [step.name for step in steps] == list(answer["timings"])
    assert {step.parent_id for step in steps} == {root.span_id}
    assert root.start_time_ns <= steps[0].start_time_ns
    ends = [step.end_time_ns for step in steps]
    assert ends == [*(step.start_time_ns for step in steps[1:]), root.end_time_ns]
    attributes = {name: root.attributes[name] for name in ("status", "route", "rung", "reason", "confidence", "usage")}
    assert attributes == {name: answer[name] for name in attributes}
    assert (root.attributes["api"], root.attributes["release"]) == ("rag", answer["release"])
    assert root.inputs["question"] == HOTEL["input"]["question"]
    assert root.outputs["text"] == answer["text"]
    assert root.attributes["citations"][0]["quote"] == answer["citations"][0]["quote"]
    assert trace.info.trace_metadata["mlflow.trace.user"] == "anonymous"
    assert trace.info.trace_metadata["mlflow.trace.session"] == "trip"


@pytest.mark.slow
def test_a_question_that_failed_is_an_error_with_its_code(quick_handbook: Path, tmp_path: Path, database: str) -> None:
    with traced_server(quick_handbook, tmp_path, database) as url:
        sent = counted(url, "sent")
        reply = httpx.post(f"{url}/rag/invoke", timeout=60, json={"input": {"question": "?"}})
        until(lambda: counted(url, "sent") == sent + 1)
    [trace] = traces_in(database, reply.json()["error"]["request_id"])
    assert trace.info.state == "ERROR"
    assert trace.info.tags["code"] == "question_invalid"
    assert trace.data.spans[0].status.description == "question_invalid"


@pytest.mark.slow
@pytest.mark.parametrize("texts", [True, False])
def test_what_a_model_really_said_is_traced_and_told_nobody(
    quick_handbook: Path, tmp_path: Path, database: str, texts: bool
) -> None:
    release = scripted(tmp_path, {"reply": "The bananas of the canteen are yellow. [1]"})
    release = release.model_copy(update={"checking": Checking(stream="verified")})
    with serving(
        app_over(quick_handbook, tmp_path, release, traces=database, traces_share=1.0, traces_text=texts)
    ) as url:
        sent = counted(url, "sent")
        body = {"input": {"question": HOTEL["input"]["question"]}}
        answer = httpx.post(f"{url}/rag/invoke", json=body).json()["output"]
        streamed = httpx.post(f"{url}/rag/stream", json=body).text
        until(lambda: counted(url, "sent") == sent + 2)
    assert (answer["rung"], "bananas" in json.dumps(answer) + streamed) == ("extractive", False)
    [trace] = traces_in(database, answer["request_id"])
    if not texts:
        exported, [citation, *_] = json.dumps(trace.to_dict()), answer["citations"]
        assert trace.data.spans[0].attributes["citations"][0]["file"] == citation["file"]
        assert not [text for text in ("bananas", "hotel limit", answer["text"], citation["quote"]) if text in exported]
        return
    [reply] = trace.data.spans[0].attributes["replies"]
    reported = (reply["writer"], reply["rung"], reply["text"], reply["failure"]["reason"])
    assert reported == (release.models.simple, "primary", "The bananas of the canteen are yellow. [1]", "unsupported")


@pytest.mark.slow
def test_sensitive_data_is_in_no_trace(quick_handbook: Path, tmp_path: Path, database: str) -> None:
    mail = "ann.lee@mail.example.org"
    release = scripted(tmp_path, {"reply": f"The hotel limit is told by {mail}. [1]"})
    with serving(
        app_over(quick_handbook, tmp_path, release, traces=database, traces_share=1.0, traces_text=True)
    ) as url:
        sent = counted(url, "sent"), counted(url, "sent", "feedback")
        body = {"input": {"question": f"What is the hotel limit in the EU, asks {mail}?"}}
        answer = httpx.post(f"{url}/rag/invoke", json=body, timeout=60).json()["output"]
        said = {"request_id": answer["request_id"], "rating": "up", "comment": f"Ask {mail}."}
        httpx.post(f"{url}/feedback", json=said, timeout=60)
        until(lambda: (counted(url, "sent"), counted(url, "sent", "feedback")) == (sent[0] + 1, sent[1] + 1))
    [trace] = traces_in(database, answer["request_id"])
    exported = json.dumps(trace.to_dict())
    assert mail not in exported
    assert "asks <EMAIL_ADDRESS>?" in exported
    assert "told by <EMAIL_ADDRESS>" in exported


@pytest.mark.slow
def test_feedback_is_put_beside_the_trace_also_by_another_process(
    quick_handbook: Path, tmp_path: Path, database: str
) -> None:
    def rate(url: str, name: str, rating: str) -> None:
        said = counted(url, "sent", "feedback")
        body = {"request_id": name, "rating": rating, "comment": f"thumbs {rating}"}
        assert httpx.post(f"{url}/feedback", timeout=60, json=body).status_code == 204
        until(lambda: counted(url, "sent", "feedback") == said + 1)

    with traced_server(quick_handbook, tmp_path, database) as url:
        name = httpx.post(f"{url}/rag/invoke", timeout=60, json=HOTEL).json()["output"]["request_id"]
        rate(url, name, "up")
    with traced_server(quick_handbook, tmp_path, database) as url:
        rate(url, name, "down")
    [trace] = traces_in(database, name)
    said = {(each.name, each.value, each.rationale) for each in trace.info.assessments}
    assert said == {("rating", "up", "thumbs up"), ("rating", "down", "thumbs down")}


@contextmanager
def black_hole() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that accepts and never answers, and the connections that it has."""
    held: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                held.append(listening.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", held
    finally:
        listening.close()
        for each in held:
            each.close()


@pytest.mark.slow
def test_a_tracking_server_that_never_answers_is_nobody_elses_trouble(quick_handbook: Path, tmp_path: Path) -> None:
    with black_hole() as (uri, held), traced_server(quick_handbook, tmp_path, uri, traces_queue=2) as url:
        before, sent = counted(url, "dropped"), counted(url, "sent")
        assert httpx.get(f"{url}/readyz", timeout=60).json()["traces"] == "sent"
        until(lambda: held)
        for _ in range(5):
            assert httpx.post(f"{url}/rag/invoke", timeout=60, json=HOTEL).json()["output"]["status"] == "answered"
        # Two wait for the writer, which waits for an answer; what came on top is gone.
        assert counted(url, "dropped") - before == 3
        assert counted(url, "sent") == sent
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200
        assert httpx.get(f"{url}/readyz", timeout=60).json()["traces"] == "lost"


def test_a_tracking_server_that_is_away_is_nobody_elses_trouble(quick_handbook: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with traced_server(quick_handbook, tmp_path, f"http://127.0.0.1:{port}", traces_queue=1) as url:
        before = counted(url, "dropped")
        for _ in range(4):
            assert httpx.post(f"{url}/rag/invoke", timeout=60, json=HOTEL).json()["output"]["status"] == "answered"
        assert counted(url, "dropped") - before == 3


class _Refuses(BaseHTTPRequestHandler):
    """Knows the experiment, and refuses traces until it is told otherwise."""

    def do_GET(self) -> None:
        self._say(200, {"experiment": {"experiment_id": "7", "name": "warrant", "lifecycle_stage": "active"}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._say(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "no"})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.mark.slow
def test_a_trace_that_is_refused_is_tried_again_and_then_counted_as_failed(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace_export, "FIRST_PAUSE", 0.01)
    refusing = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    threading.Thread(target=refusing.serve_forever, daemon=True).start()
    uri = f"http://somebody:secret-of-somebody@127.0.0.1:{refusing.server_port}"
    with traced_server(quick_handbook, tmp_path, uri) as url:
        before = counted(url, "failed")
        for _ in range(2):
            httpx.post(f"{url}/rag/invoke", timeout=60, json=HOTEL)
        until(lambda: counted(url, "failed") == before + 2)
        assert httpx.get(f"{url}/readyz", timeout=60).json()["traces"] == "lost"
    refusing.shutdown()
    refusing.server_close()
    # Six tries, and one line: the log says it once a minute. Servers that have ended may still give up on others.
    reasons = [vars(each)["reason"] for each in caplog.records if each.name == "warrant.traces"]
    assert len([reason for reason in reasons if "INVALID_PARAMETER_VALUE" in reason]) == 1
    assert "secret-of-somebody" not in caplog.text


def test_processes_agree_on_the_share_that_is_traced() -> None:
    names = [f"request-{number}" for number in range(2000)]
    assert not any(sampled(name, 0.0) for name in names)
    assert all(sampled(name, 1.0) for name in names)
    share = [name for name in names if sampled(name, 0.25)]
    assert 400 < len(share) < 600
    script = f"from server.observability.traces import sampled; print(sum(sampled(n, 0.25) for n in {share!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(done.stdout) == len(share)


def test_mlflow_is_not_imported_where_nothing_is_traced(quick_handbook: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.path[:0] = ['tests']\n"
        "from pathlib import Path; import httpx\n"
        "from server_under_test import app_over, serving; from support import QUICK\n"
        f"with serving(app_over(Path({str(quick_handbook)!r}), Path({str(tmp_path)!r}), QUICK)) as url:\n"
        f"    assert httpx.post(url + '/rag/invoke', json={HOTEL!r}).status_code == 200\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'mlflow'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_server_ends_in_time_though_traces_wait(quick_handbook: Path, tmp_path: Path) -> None:
    release = tmp_path / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    with black_hole() as (uri, held):
        traced = {"WARRANT_TRACES": uri, "WARRANT_TRACES_SHARE": "1", "WARRANT_STATE": str(tmp_path)}
        with warrant_serve("-i", quick_handbook, "-r", release, **traced) as (url, process):
            httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60).raise_for_status()
            until(lambda: held)
            process.terminate()
            process.wait(trace_export.FLUSH_TIMEOUT + 10)
