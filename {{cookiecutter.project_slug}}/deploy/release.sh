#!/bin/sh
# Release an overlay by kubectl alone, migrations first: deploy/release.sh production
set -eu
overlays=$(dirname "$0")/overlays
known=$(cd "$overlays" && echo *)
case " $known " in *" ${1-} "*) ;; *)
    echo "usage: deploy/release.sh ENVIRONMENT, one of: $known" >&2
    exit 1
esac
environment=$1
name={{ cookiecutter.project_slug }}
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
