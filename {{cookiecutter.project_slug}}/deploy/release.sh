#!/bin/sh
# Release an overlay by kubectl alone, migrations first: deploy/release.sh production [SERVICE MIGRATE]
# With two images, each with its digest, these are written into the overlay before, by kustomize.
set -eu
overlays=$(dirname "$0")/overlays
known=$(cd "$overlays" && echo *)
case " $known " in *" ${1-} "*) ;; *)
    echo "usage: deploy/release.sh ENVIRONMENT [SERVICE MIGRATE], the environment one of: $known" >&2
    exit 1
esac
environment=$1
name={{ cookiecutter.project_slug }}
case "$#:${2-}:${3-}" in 1::|3:*@sha256:*:*@sha256:*) ;; *)
    echo "error: a release names both images by digest: ...@sha256:... Nothing was deployed." >&2
    exit 1
esac
for tool in kubectl ${2:+kustomize}; do command -v "$tool" >/dev/null || {
    echo "error: $tool is not installed. Nothing was deployed. Install it, and repeat the command." >&2
    exit 1
}; done
if [ $# = 3 ]; then
    (cd "$overlays/$environment" && kustomize edit set image "$name=$2" "$name-migrate=$3")
fi
job=job/$name-migrate
in_namespace() { kubectl --namespace "$name-$environment" "$@"; }

# A Job cannot be changed: that of the last release goes.
in_namespace delete "$job" --ignore-not-found
kubectl apply -k "$overlays/$environment" --selector 'app.kubernetes.io/component!=api'
# It has a condition when it has ended, well or not.
in_namespace wait "$job" --for=jsonpath='{.status.conditions}' --timeout=11m
if ! in_namespace wait "$job" --for=condition=complete --timeout=30s; then
    in_namespace logs "$job" >&2 || echo "$job has no log" >&2
    echo "error: the migrations were not applied; the service still runs as before" >&2
    exit 1
fi
kubectl apply -k "$overlays/$environment"
in_namespace rollout status "deployment/$name" --timeout=11m
