"""The tools that exist as packages of Python: `tools.py COMMAND`, with JSON in and JSON out. Each raises, and so ends with 1, when it refuses.

lint      {chart, values}            helm lint --strict, and the values against values.schema.json
render    {chart, values, name, namespace}   helm template: {path: text}
resources {documents, versions}      each against the strict schema of its kind, in each version of Kubernetes
compose   {text}                     a Compose file against its specification
"""

import json
import sys


def lint(chart, values):
    import helm_python as helm

    report = helm.lint(chart, values, strict=True, kube_version="v1.33.0")
    # 1 is information: that there is no icon.
    found = [message["error"] for message in report["messages"] if message["severity"] > 1]
    if found or report["errors"]:
        raise SystemExit("\n".join(found + report["errors"]))
    with helm.Chart.load(chart) as loaded:
        loaded.validate_schema(values)


def render(chart, values, name, namespace):
    import helm_python as helm

    with helm.Chart.load(chart) as loaded:
        return loaded.render(values, name=name, namespace=namespace)


def resources(documents, versions):
    import kubernetes_validate

    for document in documents:
        for version in versions:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(step) for step in error.path)
                raise SystemExit(f"{document['kind']} in {version}: {where}: {error.message}")


def compose(text):
    import compose_spec

    options = compose_spec.PyOptions()
    options.apply_merge = True
    file = options.from_yaml(text)
    file.validate()
    return file.service_names()


if __name__ == "__main__":
    command = {"lint": lint, "render": render, "resources": resources, "compose": compose}[sys.argv[1]]
    json.dump(command(**json.load(sys.stdin)), sys.stdout)
