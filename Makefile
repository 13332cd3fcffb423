.PHONY: setup demo studio test test-slow test-spark test-all check audit container docs fix draw screenshots bench lock clean

SHARED ?= ../shared/data
BENCHMARKS = retrieval reranking large_index ingestion reindex steps formats hostile_documents start \
  handbook citations model_claims wrong_answers groundedness abstention extractive conversation ablation \
  caching ai_search batch drills gating serving governance swapping reindex_soak one_client serving_memory \
  prompt_injection sensitive_data scoring

setup:
	@scripts/setup requirements.lock .venv
	@scripts/setup requirements-studio.lock .venv-studio

demo:
	@scripts/setup requirements.lock .venv
	@.venv/bin/python samples/demo.py

# LangGraph's own server over the same graph; it asks nobody for newer versions and reports to nobody.
studio: demo
	@scripts/setup requirements-studio.lock .venv-studio
	WARRANT_INDEX=$${WARRANT_INDEX:-.warrant/handbook} LANGGRAPH_CLI_NO_ANALYTICS=1 LANGGRAPH_NO_VERSION_CHECK=true \
	  LANGSMITH_TRACING=false PATH="$$PWD/.venv-studio/bin:$$PATH" langgraph dev --no-browser

PYTEST = .venv/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile

test: setup
	$(PYTEST) -m "not slow"

test-slow: setup
	$(PYTEST) -m slow

# Spark has an environment to itself, of some 2 GB with the model weights.
test-spark: setup
	@command -v java >/dev/null || { echo "Java is not installed (Debian: openjdk-17-jre-headless): the tests on Spark are skipped." >&2; exit 0; }; \
	  scripts/setup requirements-spark.lock .venv-spark && .venv-spark/bin/python -m pytest tests/spark

test-all: setup test-spark
	$(PYTEST)

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Known vulnerabilities of the locked packages; says so where the registry has no list of them.
audit: setup
	.venv/bin/python scripts/audit_dependencies.py

# The container's files through their linters, and the Dockerfile's commands in a clean environment.
container:
	@scripts/setup requirements.lock .venv
	scripts/check-container

# The documentation site, in site/; built without a network, and refused when a link leads nowhere.
docs:
	@scripts/setup requirements.lock .venv
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

fix: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

draw: setup
	.venv/bin/warrant graph draw --mermaid docs/graph.mmd --png docs/graph.png

# The pictures of the web page, over the sample index.
screenshots: demo
	WARRANT_INDEX=.warrant/handbook .venv/bin/python scripts/screenshots.py docs

# Every number in the README, each from one script; SHARED is the folder that holds the data sets.
bench: setup
	for script in $(BENCHMARKS); do .venv/bin/python benchmarks/$$script.py $(SHARED) || exit 1; done
	[ ! -x .venv-spark/bin/python ] || .venv-spark/bin/python benchmarks/spark.py
	.venv/bin/python benchmarks/readme.py

lock: setup
	scripts/lock

clean:
	rm -rf .venv .venv-spark .venv-studio .warrant .langgraph_api site dist
