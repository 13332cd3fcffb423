.PHONY: setup demo test check fix draw bench lock clean

SHARED ?= ../shared/data

setup:
	@scripts/setup requirements.lock .venv
	@scripts/setup requirements-studio.lock .venv-studio

demo:
	@scripts/setup requirements.lock .venv
	@.venv/bin/python samples/demo.py

test: setup
	.venv/bin/python -m pytest

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

fix: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

draw: setup
	.venv/bin/warrant graph draw --mermaid docs/graph.mmd --png docs/graph.png

# Every number in the README, each from one script; SHARED is the folder that holds the data sets.
bench: setup
	for script in retrieval ingestion reindex steps formats start handbook; do .venv/bin/python benchmarks/$$script.py $(SHARED) || exit 1; done
	.venv/bin/python benchmarks/readme.py

lock: setup
	scripts/lock

clean:
	rm -rf .venv .venv-studio .warrant .langgraph_api
