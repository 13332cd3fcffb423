"""The lock holds together: every extra's libraries import side by side in the one environment."""

import os
import subprocess
import sys

import pytest

LIBRARIES = {
    "serve": ["langserve", "fastapi", "uvicorn"],
    "evals": ["mlflow", "ragas", "statsmodels.api", "sacrebleu"],
    "databricks": ["databricks_langchain", "databricks_openai", "databricks.ai_search", "deltalake"],
    "local-llm": ["xllamacpp"],
    "draw": ["grandalf", "matplotlib"],
}


@pytest.mark.slow
@pytest.mark.parametrize("extra", LIBRARIES)
def test_an_extra_imports_beside_the_graph(extra: str) -> None:
    if extra == "databricks" and sys.version_info >= (3, 13):
        pytest.skip("databricks-connect has no release for Python 3.13")
    code = "from graph.settings import quiet_libraries; quiet_libraries(); import graph.builder, graph.index.tables"
    quiet = {**os.environ, "RAGAS_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    imports = "; ".join(f"import {library}" for library in LIBRARIES[extra])
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {imports}"], capture_output=True, text=True, env=quiet, timeout=180
    )
    assert done.returncode == 0, done.stderr[-2000:]
