# python3 (>= 3.11), git and make are all that is needed: the rest is installed into this folder.
.DEFAULT_GOAL := help
# A uv that really starts: a version manager's shim may have none behind it.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
# What others have set for programs of their own stays out (tests/conftest.py is stricter still); who
# commits, and how an index is reached, gets in.
THEIRS := CONDA_PREFIX GIT_% LANGUAGE PIP_% PYTHON% UV_% VIRTUAL_ENV
NEEDED := GIT_AUTHOR_% GIT_COMMITTER_% GIT_CONFIG_GLOBAL UV_INDEX_% UV_OFFLINE %INDEX %INDEX_URL %_LINKS \
          %_HOST %_PROXY %_TIMEOUT %_TLS %CERT %CERTS %CACHE_DIR %CONFIG_FILE %KEYRING_PROVIDER %MIRROR
unexport $(filter-out $(NEEDED),$(filter $(THEIRS),$(.VARIABLES)))
# A locale that every machine has; for Python it means UTF-8.
export LC_ALL := C
# A home that can be written to: caches are there.
ifeq ($(shell test -d "$$HOME" -a -w "$$HOME" && echo yes),)
export HOME := $(CURDIR)/.home
endif
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.uv/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

# What is typed behind a target is handed on as it is: roster='my people.csv' as --roster='my people.csv'.
quoted = '$(subst ','\'',$(value $1))'
typed = $(filter command,$(origin $1))
given = $(foreach name,$1,$(if $(call typed,$(name)),--$(name)=$(call quoted,$(name))))
WORKSHOP = .venv/bin/python -m workshop

.PHONY: help demo test wheel docs benchmark workshop-plan workshop-build workshop-board tidy clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready tidy ## Bake a service, make its first migration, serve it, change it
	@.venv/bin/python demo.py

test: .venv/ready tidy ## Run every test (args="-k bake")
	@.venv/bin/python -m pytest --numprocesses 4 --dist worksteal $(args)

wheel: ## Make the wheel of src/modelmigrate that the template carries
	@python3 wheel.py

docs: .venv/ready ## Build the documentation; a dead link or an unknown page is an error
	@.venv/bin/sphinx-build --quiet --nitpicky --fresh-env --fail-on-warning --keep-going docs docs/_build
	@echo 'Open docs/_build/index.html'

benchmark: .venv/ready tidy ## Measure bakes, the schema commands and the service against others
	@.venv/bin/python benchmarks/bake.py
	@.venv/bin/python benchmarks/schema.py
	@.venv/bin/python -m benchmarks.histories
	@.venv/bin/python -m benchmarks.service
	@.venv/bin/python -m benchmarks.lint

workshop-plan: .venv/ready ## Plan a room (roster=people.csv only=short port= url= server= room=)
	@$(WORKSHOP) plan $(call given,roster only port url server room)

workshop-build: .venv/ready tidy ## Build it: archives, solutions, what is needed offline (offline=no)
	@$(WORKSHOP) build $(call given,offline project room)


workshop-board: .venv/ready ## Show live who is where, and release solutions (collect=folder)
	@$(WORKSHOP) board $(call given,collect host room)

# Whatever tools left in the template tree would be baked into every project.
# By the tree's own rules: nobody's global ones may call an SQL file of it left over.
tidy:
	@GIT_CONFIG_GLOBAL=tests/gitconfig GIT_CONFIG_NOSYSTEM=1 git clean -fdqX -- '{{cookiecutter.project_slug}}'

clean: ## Remove what this file installed
	@test ! -d .home || chmod -R u+w .home
	rm -rf .home .uv .venv

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet uv==0.13.9

.venv/ready: pyproject.toml constraints.txt | $(filter .uv/%,$(UV))
	@python3 -c 'import sys; sys.exit("python3 >= 3.11 is needed" if sys.version_info < (3, 11) else 0)'
	$(UV) venv --quiet --allow-existing --python "$$(python3 -c 'import sys; print(sys.executable)')" .venv
	$(UV) pip install --quiet --python .venv --editable '.[server,docs]' --group dev --constraints constraints.txt
	@touch $@
