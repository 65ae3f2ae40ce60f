# python3 (>= 3.11), git and make are all that is needed: the rest is installed into this folder.
.DEFAULT_GOAL := help
# A uv that really starts: a version manager's shim may have none behind it.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.uv/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo test wheel benchmark tidy clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready tidy ## Bake a service, make its first migration, serve it, change it
	@python demo.py

test: .venv/ready tidy ## Run every test (args="-k bake")
	@python -m pytest --numprocesses 4 --dist worksteal $(args)

wheel: ## Make the wheel of src/modelmigrate that the template carries
	@python3 wheel.py

benchmark: .venv/ready tidy ## Measure a bake against its parts, the schema commands against Alembic
	@python benchmarks/bake.py
	@python benchmarks/schema.py

# Whatever tools left in the template tree would be baked into every project.
tidy:
	@git clean -fdqX -- '{{cookiecutter.project_slug}}'

clean: ## Remove what this file installed
	rm -rf .uv .venv

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet uv==0.13.9

.venv/ready: pyproject.toml constraints.txt | $(UV)
	@python3 -c 'import sys; sys.exit("python3 >= 3.11 is needed" if sys.version_info < (3, 11) else 0)'
	$(UV) venv --quiet --allow-existing --python "$$(python3 -c 'import sys; print(sys.executable)')"
	$(UV) pip install --quiet --editable '.[server]' --group dev --constraints constraints.txt
	@touch $@
