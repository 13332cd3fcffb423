"""A release in Unity Catalog, its endpoint and its app, by the real clients over HTTP against the emulator."""

import json
import time
import warnings
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from databricks_emulator import Emulator
from databricks_emulator.apps import RunningApp
from databricks_under_test import INDEX, sign_in, signed_in, synced
from registry_under_test import warranted
from support import QUICK

from graph.databricks.app import AppDeployment
from graph.databricks.deployment import AppFile, EndpointFile, differences, read_deployment
from graph.databricks.endpoint import EndpointDeployment, ServingEndpoint, served_versions
from graph.errors import DeploymentFailed, PromotionRefused, SettingsInvalid, VersionUnknown
from graph.models.databricks import ON_BEHALF, USER_SCOPES, workspace
from graph.registry.client import Registry, open_registry
from graph.registry.promotion import PromotionEvidence, promote, split
from graph.registry.transitions import Actor, Reason
from graph.release import Release
from graph.settings import bound_mlflow
from warrant import main

if TYPE_CHECKING:
    from graph.registry.log_release import LoggedVersion

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
UNITY, MODEL = "databricks-uc", "main.warrant.handbook"
RELEASE = Release(name="quick", embedding=QUICK.embedding)
PATIENCE = 600
ANN = Actor("ann@example.com", "here", 1)
WHY = Reason("CHG-1", "")


CHAT = "databricks-claude-sonnet-4"
EVERYTHING: dict[str, Any] = {
    "endpoint": {
        "min_workers": 1,
        "max_workers": 4,
        "scale_to_zero": True,
        "environment": {"WARRANT_DATABRICKS_SECONDS": "20"},
        "permissions": {"CAN_QUERY": ["app-team"], "CAN_MANAGE": ["ml-platform"]},
        "inference_table": {"catalog": "main", "schema": "warrant"},
    },
    "models": {CHAT: {"limits": [{"calls": 30}, {"key": "endpoint", "tokens": 100000}]}},
}


class Logged:
    """A workspace in which a release was logged once, its registry, and versions that are copies of it."""

    def __init__(self, emulator: Emulator, version: "LoggedVersion") -> None:
        self.emulator, self.logged = emulator, version
        self.registry: Registry = open_registry(UNITY, MODEL)

    def copy(self, *, label: str = "", broken: bool = False, more: str = "") -> int:
        """The next version, with the files of the first; `broken`: without what is needed to load it.

        `more` is added to what MLflow knows of it.
        """
        for name in (MODEL, f"{MODEL}-agent"):
            model, root = self.emulator.unity.models[name], f"/Models/{name.replace('.', '/')}"
            number = str(len(model.versions) + 1)
            model.versions[number] = made = deepcopy(model.versions["1"])
            made["version"], made["tags"]["warrant_digest"] = number, number.zfill(64)
            made["tags"]["warrant_release"] = label or made["tags"]["warrant_release"]
            files = self.emulator.unity.files
            for path in [each for each in files if each.startswith(f"{root}/1/")]:
                if not (broken and path.endswith("MLmodel")):
                    added = more.encode() if path.endswith("/MLmodel") else b""
                    files[path.replace(f"{root}/1/", f"{root}/{number}/")] = files[path] + added
        return int(number)

    def promote(self, number: int) -> None:
        evidence = PromotionEvidence(warranted(self.registry.version(number).digest))
        promote(self.registry, ANN, str(number), "production", WHY, evidence)

    def deployment(self, tmp_path: Path, alias: str = "production", **fields: Any) -> EndpointDeployment:
        """An endpoint by a deployment file."""
        (tmp_path / "deployment.yaml").write_text(json.dumps(fields))
        file = read_deployment(tmp_path / "deployment.yaml")
        served = served_versions(self.registry, alias, file.endpoint.form)
        variables = {"WARRANT_BACKEND": "databricks", "WARRANT_DATABRICKS_INDEX": INDEX}
        wanted = ServingEndpoint("warrant", file.endpoint, served, variables, file.models)
        return EndpointDeployment(workspace(60), wanted, lambda _: None, step=0.01)


@pytest.fixture(scope="module")
def logged(quick_handbook: Path) -> Iterator[Logged]:
    bound_mlflow()
    with warnings.catch_warnings(action="ignore"):
        from graph.registry.log_release import LogOptions, log_release
    with signed_in() as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WARRANT_DATABRICKS_INDEX", INDEX)
        patch.setenv("WARRANT_BACKEND", "databricks")
        synced(quick_handbook)
        options = LogOptions(as_agent=True, questions=["How long may updates be postponed?"])
        yield Logged(emulator, log_release(RELEASE, quick_handbook, UNITY, MODEL, options, lambda _: None))


def test_a_release_is_registered_in_unity_catalog(logged: Logged, tmp_path: Path) -> None:
    [version] = logged.registry.versions()
    model = logged.emulator.unity.models[f"{MODEL}-agent"].versions["1"]
    assert model["model_version_dependencies"] == [{"type": "DATABRICKS_VECTOR_INDEX", "name": INDEX}]
    assert set(model["tags"]) >= {"warrant_digest", "warrant_release"}
    assert (logged.logged.number, logged.logged.agent) == (1, 1)
    assert "name: quick" in logged.registry.configuration(1)
    assert logged.registry.fetch(version, tmp_path).name == version.digest
    with pytest.raises(PromotionRefused, match="no warrant"):
        promote(logged.registry, ANN, "1", "production", WHY)
    logged.promote(1)
    assert logged.registry.placement().production == 1
    assert [each.version for each in logged.registry.transitions()] == [1]


def test_an_endpoint_serves_what_an_alias_names(logged: Logged, tmp_path: Path) -> None:
    endpoint = logged.emulator.serving.endpoints
    made = logged.deployment(tmp_path)
    assert made.plan()[0].what == "endpoint warrant"
    made.apply(PATIENCE)
    assert endpoint["warrant"].state == "NOT_UPDATING"
    calls = len(logged.emulator.calls)
    assert logged.deployment(tmp_path).plan() == []
    written = [call for call in logged.emulator.calls[calls:] if call.method in ("PUT", "PATCH", "DELETE")]
    assert written == []
    asked = {"input": [{"role": "user", "content": "How long may updates be postponed?"}]}
    reply: Any = workspace().client.api_client.do("POST", "/serving-endpoints/warrant/invocations", body=asked)
    assert "at most 3 days" in reply["output"][0]["content"][0]["text"]
    assert reply["custom_outputs"]["citations"]


def test_a_version_that_fails_is_taken_out_again(logged: Logged, tmp_path: Path) -> None:
    serving, now = logged.emulator.serving, {"v1"}
    for changes, message in (
        ({"broken": True}, "could not update warrant: MlflowException"),
        ({"label": "other@1"}, "not as other@1"),
    ):
        logged.promote(logged.copy(**changes))
        with pytest.raises(DeploymentFailed, match=f"{message}.*v1 is served again, as before"):
            logged.deployment(tmp_path).apply(PATIENCE)
        assert set(serving.endpoints["warrant"].loaded) == now
        assert serving.endpoints["warrant"].config["served_entities"][0]["entity_version"] == "1"
    late = logged.deployment(tmp_path)
    logged.emulator.polls = 5
    with pytest.raises(DeploymentFailed, match=r"not ready in time.*v1 is served again"):
        late.apply(0.005)
    logged.emulator.polls = 2


def test_a_new_endpoint_that_fails_is_deleted(logged: Logged, tmp_path: Path) -> None:
    logged.promote(logged.copy(broken=True))
    before = logged.emulator.serving.endpoints.pop("warrant")
    with pytest.raises(DeploymentFailed, match="deleted again"):
        logged.deployment(tmp_path).apply(PATIENCE)
    assert logged.emulator.serving.endpoints == {}
    logged.emulator.serving.endpoints["warrant"] = before


def test_everything_of_a_deployment_file_reaches_the_workspace(logged: Logged, tmp_path: Path) -> None:
    good, other = logged.copy(), logged.copy()
    logged.promote(good)
    logged.registry.store(logged.registry.version(other), warranted(logged.registry.version(other).digest))
    split(logged.registry, ANN, {str(other): 0.1}, WHY)
    logged.emulator.serving.groups = {"app-team": {"reader@example.com"}, "ml-platform": set()}
    # Another update is under way, and the workspace is busy: both are waited for.
    found = logged.emulator.serving.endpoints["warrant"]
    found.pending, found.polls = deepcopy(found.config), 2
    logged.emulator.fault("/api/2.0/serving-endpoints/warrant/config", status=503, times=1)
    logged.deployment(tmp_path, **EVERYTHING).apply(PATIENCE)
    assert logged.deployment(tmp_path, **EVERYTHING).plan() == []
    routes = {
        each["served_model_name"]: each["traffic_percentage"] for each in found.config["traffic_config"]["routes"]
    }
    assert routes == {f"v{good}": 90, f"v{other}": 10}
    for each in found.config["served_entities"]:
        assert (each["min_provisioned_concurrency"], each["max_provisioned_concurrency"]) == (4, 16)
        assert each["scale_to_zero_enabled"] is True
        assert each["environment_vars"]["WARRANT_DATABRICKS_SECONDS"] == "20"
        assert "workload_size" not in each
    levels = {(each["who"], each["level"]) for each in logged.emulator.serving.acls["serving-endpoints", "id-warrant"]}
    mine = ("user@example.com", "CAN_MANAGE")
    assert levels == {("app-team", "CAN_QUERY"), ("ml-platform", "CAN_MANAGE"), mine}
    assert logged.emulator.models.endpoints[CHAT].per_minute == 30
    question = {"input": [{"role": "user", "content": "Leave?"}]}
    workspace().client.api_client.do("POST", "/serving-endpoints/warrant/invocations", body=question)
    assert found.payloads


def test_the_graph_itself_can_be_served(logged: Logged, tmp_path: Path) -> None:
    file: dict[str, Any] = {"endpoint": {"form": "graph", "size": "Medium"}}
    assert "Medium" in str(logged.deployment(tmp_path, **file).plan())
    logged.deployment(tmp_path, **file).apply(PATIENCE)
    asked = {"dataframe_records": [{"question": "How long may updates be postponed?"}]}
    reply: Any = workspace().client.api_client.do("POST", "/serving-endpoints/warrant/invocations", body=asked)
    assert "at most 3 days" in reply["predictions"][0]["answer"]["text"]


def test_an_endpoint_searches_on_behalf_of_whoever_asks(
    logged: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator, index = logged.emulator, logged.emulator.search.indexes[INDEX]
    from graph.registry.log_model import authorization

    monkeypatch.setenv(ON_BEHALF, "true")
    policy = authorization(RELEASE)["auth_policy"].to_dict()
    assert policy["user_auth_policy"]["api_scopes"] == [*USER_SCOPES]
    assert policy["system_auth_policy"]["resources"]["databricks"]["vector_search_index"] == [{"name": INDEX}]
    logged.promote(logged.copy(more=json.dumps({"auth_policy": policy})[1:-1].replace('"auth_policy"', "auth_policy")))
    graph = ServingEndpoint("warrant", EndpointFile(form="graph"), (), {ON_BEHALF: "true"}, {})
    with pytest.raises(SettingsInvalid, match="form: responses"):
        EndpointDeployment(workspace(), graph, lambda _: None)
    logged.deployment(tmp_path, endpoint={"environment": {ON_BEHALF: "true"}}).apply(PATIENCE)
    readers = {"ann": "token-of-ann", "bob": "token-of-bob"}
    emulator.principals.update({token: f"{name}@example.com" for name, token in readers.items()})
    emulator.serving.acls["serving-endpoints", "id-warrant"] += [
        {"who": f"{name}@example.com", "level": "CAN_QUERY"} for name in readers
    ]
    asked = {"input": [{"role": "user", "content": "How long may updates be postponed?"}]}
    index.allowed = {"user@example.com", "ann@example.com"}
    said = {}
    for name, token in readers.items():
        headers = {"authorization": f"Bearer {token}"}
        url = f"{emulator.url}/serving-endpoints/warrant/invocations"
        said[name] = httpx.post(url, json=asked, headers=headers, timeout=PATIENCE).json()
    index.allowed = None
    assert "at most 3 days" in said["ann"]["output"][0]["content"][0]["text"]
    assert said["bob"]["custom_outputs"]["error"]["code"] == "AccessRefused"
    queries = [call.principal for call in emulator.calls if call.path.endswith("/query")]
    assert queries[-2:] == ["ann@example.com", "bob@example.com"]


def test_what_cannot_be_deployed_is_refused(logged: Logged, tmp_path: Path) -> None:
    alone = logged.copy()
    del logged.emulator.unity.models[f"{MODEL}-agent"].versions[str(alone)]
    promote(logged.registry, ANN, str(alone), "staging", WHY)
    with pytest.raises(VersionUnknown, match="release log --agent"):
        logged.deployment(tmp_path, "staging")
    logged.emulator.unity.models[MODEL].aliases["production"] = str(alone)
    with pytest.raises(PromotionRefused, match="warrant was given to another"):
        logged.deployment(tmp_path)
    logged.emulator.unity.models[MODEL].aliases["production"] = "1"
    for file, message in (
        ({"endpoint": {"size": "Small", "concurrency": {"min": 4, "max": 8}}}, "give one of"),
        ({"endpoint": {"concurrency": {"min": 16, "max": 8}}}, "more than the most"),
        ({"endpoint": {"concurrency": {"min": 3, "max": 8}}}, "multiple of 4"),
        ({"endpoint": {"nmae": "x"}}, "nmae"),
        ({"endpoint": {"environment": {"OPENAI_API_KEY": "sk-1"}}}, "OPENAI_API_KEY holds a secret"),
        ({"app": {"environment": {"WARRANT_USAGE": "postgresql://me:word@db/usage"}}}, "WARRANT_USAGE holds a secret"),
    ):
        with pytest.raises(SettingsInvalid, match=message):
            logged.deployment(tmp_path, **file)
    assert main(["deploy", "databricks", "endpoint", "--registry", "sqlite:////tmp/x.db"]) == 4


def test_a_plan_shows_no_secret_that_somebody_wrote_into_an_endpoint() -> None:
    before = {"served": {"environment_vars": {"OPENAI_API_KEY": "sk-1", "WARRANT_THREADS": "2"}}}
    after = {"served": {"environment_vars": {"OPENAI_API_KEY": "{{secrets/warrant/openai}}"}}}
    key, threads = differences("config.entities", before, after)
    assert (key.before, key.after) == ("***", "{{secrets/warrant/openai}}")
    assert threads.before == "2"
    assert "sk-1" not in str(differences("config.entities", before, {}))


def test_the_workspace_s_refusals_are_one_sentence(
    logged: Logged, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/tmp")
    for path in ("/api/2.0/serving-endpoints/*", "/api/2.0/mlflow/unity-catalog/*"):
        logged.emulator.fault(path, status=403, times=4)
        assert main(["deploy", "databricks", "endpoint", "--plan", "--registry", UNITY, "--model", MODEL]) in (1, 5)
        said = capsys.readouterr().err
        assert "A fault was ordered" in said
        assert logged.emulator.url not in said
        logged.emulator.faults.clear()


def test_an_endpoint_and_an_app_have_the_capacity_that_is_set(
    logged: Logged, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/tmp")
    monkeypatch.setenv("WARRANT_AT_ONCE", "10")
    logged.emulator.unity.models[MODEL].aliases["staging"] = "1"
    plan, registered = ["deploy", "databricks"], ["--plan", "--registry", UNITY, "--model", MODEL]
    assert not main([*plan, "endpoint", *registered, "--alias", "staging"])
    assert '"max_provisioned_concurrency": 12' in capsys.readouterr().out
    assert not main([*plan, "app", *registered])
    assert "WARRANT_AT_ONCE" in capsys.readouterr().out


def test_a_served_model_signs_in_with_the_token_of_its_resources(
    logged: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = {"OAUTH_TOKEN": [{"oauthTokenValue": "token-of-the-endpoint"}]}
    (tmp_path / "model-dependencies-oauth-token").write_text(json.dumps(token))
    served = {
        "IS_IN_DB_MODEL_SERVING_ENV": "true",
        "SERVING_CREDENTIALS_DIR": str(tmp_path),
        "DB_MODEL_SERVING_HOST_URL": logged.emulator.url,
        "DATABRICKS_CONFIG_FILE": "/nonexistent",
    }
    logged.emulator.principals["token-of-the-endpoint"] = "endpoint"
    with monkeypatch.context() as patch:
        sign_in(patch, served)
        assert workspace().client.current_user.me().user_name == "endpoint"
    workspace.cache_clear()


def test_an_app_that_does_not_start_is_put_back(logged: Logged) -> None:
    emulator = logged.emulator
    emulator.unity.models[MODEL].aliases["production"] = "1"
    variables = {"WARRANT_BACKEND": "databricks", "WARRANT_DATABRICKS_INDEX": INDEX}

    def app(requirement: str, told: dict[str, str] = variables) -> AppDeployment:
        file = AppFile(name="put-back", requirement=requirement)
        return AppDeployment(workspace(), file, logged.registry, told, lambda _: None, step=0.01)

    with pytest.raises(DeploymentFailed, match=r"pip could not read.*Nothing ran there before"):
        app("warrant-rag==").apply(PATIENCE)
    app("warrant-rag").apply(PATIENCE)
    running = emulator.apps.apps["put-back"]
    resources = running.about["resources"]
    # A wrong file, a refusal half-way, and a deployment that is still under way when its time is over.
    emulator.fault("/api/2.0/workspace/import", status=403, times=1)
    for requirement, seconds, message in (
        ("warrant-rag[", PATIENCE, "A fault was ordered"),
        ("warrant-rag[", PATIENCE, "pip could not read"),
        ("warrant-rag==2", 0.01, "not ready in time"),
    ):
        with pytest.raises(DeploymentFailed, match=f"{message}.*The app runs again as before"):
            app(requirement, {}).apply(seconds)
        *_, last = running.deployments
        assert last["status"]["state"] == "SUCCEEDED"
        assert emulator.apps.files[f"{last['source_code_path']}/requirements.txt"] == b"warrant-rag\n"
        assert running.about["resources"] == resources
    assert app("warrant-rag").plan() == []
    assert {each.what for each in app("warrant-rag==2", {}).plan()} >= {"files.requirements.txt", "resources.index"}


def test_an_app_runs_the_server_for_the_users_of_the_workspace(logged: Logged, tmp_path: Path) -> None:
    emulator = logged.emulator
    emulator.unity.models[MODEL].aliases["production"] = "1"
    index = emulator.search.indexes[INDEX]
    index.allowed = {"user@example.com", "reader@example.com"}
    emulator.serving.groups = {"app-team": {"reader@example.com"}, "ml-platform": {"reader@example.com"}}
    emulator.principals["token-of-reader"] = "reader@example.com"
    emulator.apps.run = True
    fields = {"environment": {"WARRANT_OIDC_ROLES": '{"ml-platform": "mlops_engineer"}', "WARRANT_THREADS": "1"}}
    file = AppFile.model_validate({**fields, "permissions": {"CAN_USE": ["app-team"]}})
    variables = {"WARRANT_BACKEND": "databricks", "WARRANT_DATABRICKS_INDEX": INDEX, ON_BEHALF: "true"}

    def app() -> AppDeployment:
        return AppDeployment(workspace(), file, logged.registry, variables, lambda _: None, step=0.05)

    app().apply(PATIENCE)
    assert app().plan() == []
    running = emulator.apps.apps["warrant"]
    assert {each["name"] for each in running.about["resources"]} == {"index", "experiment"}
    assert emulator.serving.acls["apps", "warrant"][0]["who"] == "app-team"
    assert running.about["user_api_scopes"] == ["iam.current-user:read", *USER_SCOPES]
    emulator.calls.clear()
    ask_as_users(running, index.allowed)
    queries = [call.principal for call in emulator.calls if call.path.endswith("/query")]
    assert queries.count("reader@example.com") == 3
    assert "token-of-reader" not in running.log.read_text("utf-8")


def test_an_app_is_given_a_secret_as_a_resource(logged: Logged) -> None:
    file = AppFile(name="secretive", environment={"OPENAI_API_KEY": "{{secrets/warrant/openai}}"})
    AppDeployment(workspace(), file, logged.registry, {}, lambda _: None, step=0.05).apply(PATIENCE)
    running = logged.emulator.apps.apps["secretive"]
    resources = {each["name"]: each for each in running.about["resources"]}
    assert resources["secret-openai-api-key"]["secret"] == {"scope": "warrant", "key": "openai", "permission": "READ"}
    assert running.variables["OPENAI_API_KEY"] == "the secret warrant/openai"


def ask_as_users(running: RunningApp, allowed: set[str]) -> None:
    """Ask the app as the platform's proxy does for a user, and without it."""
    platform = {"x-forwarded-email": "reader@example.com", "x-forwarded-access-token": "token-of-reader"}
    asked = {"input": [{"role": "user", "content": "How long may updates be postponed?"}]}
    with httpx.Client(base_url=running.url, timeout=PATIENCE) as client:
        while client.get("/readyz").status_code != 200:
            assert running.process is not None
            assert running.process.poll() is None
            time.sleep(0.2)
        assert client.post("/invocations", json=asked).status_code == 401
        for path in ("/invocations", "/responses"):
            reply = client.post(path, json=asked, headers=platform).json()
            assert "at most 3 days" in reply["output"][0]["content"][0]["text"]
        allowed.remove("reader@example.com")
        refused = client.post("/invocations", json=asked, headers=platform)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        reloaded = client.post("/admin/reload", json={}, headers=platform)
        assert reloaded.status_code == 200
        forged = {"x-forwarded-email": "reader@example.com", "x-forwarded-access-token": "forged"}
        assert client.post("/invocations", json=asked, headers=forged).status_code == 401
        without = {"x-forwarded-email": "reader@example.com"}
        assert client.post("/admin/reload", json={}, headers=without).status_code == 401
