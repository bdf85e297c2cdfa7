"""Alert rules and dashboard against the source: every metric, label and label value that they name is
one that the program has; every alert says in two languages what to do and is tried by rules_test.yml.

With --queries: prints the dashboard's queries as rules, for promtool to read.
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRATES = ["model", "journal", "ingest", "rules", "dispatch", "server"]
# What Prometheus itself puts on a series, or targets/*.yml.
TARGET = {"job", "instance", "role", "le"}
OURS_ALONE = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}}
CJK = re.compile(r"[一-鿿]")
faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


def sources():
    """The source without its tests."""
    for crate in CRATES:
        for path in sorted((ROOT / crate / "src").rglob("*.rs")):
            if "tests" in path.parts or path.name == "tests.rs":
                continue
            yield path.read_text().split("#[cfg(test)]\nmod ")[0]


def registered():
    """Metrics with their labels, and all that stands between quotes."""
    metrics, words = {}, set()
    for text in sources():
        words.update(re.findall(r'"([^"\\\n]*)"', text))
        for found in re.finditer(r'"(sanfang_[a-z0-9_]+)"', text):
            # The list of labels, if there is one, stands before the end of the same call.
            call = text[found.end() :].split(")?")[0]
            labels = re.search(r"&\[([^\]]*)\]", call)
            labels = set(re.findall(r'"(\w+)"', labels[1])) if labels else set()
            name = found[1]
            is_histogram = "HistogramOpts::new(" in text[max(0, found.start() - 80) : found.start()]
            for ending in ["_bucket", "_sum", "_count"] if is_histogram else [""]:
                metrics[name + ending] = labels
    return metrics, words


def check_query(where, query, metrics, words, free=()):
    """Gives the labels that series of the query may have. What a city names itself is `free`."""
    plain = re.sub(r'"[^"]*"', '""', query)
    known = set(TARGET)
    for name in re.findall(r"\b([A-Za-z_:][\w:]*)\s*(?=[\[{])", plain) + re.findall(r"\bsanfang_\w+", plain):
        if name in OURS_ALONE:
            known |= OURS_ALONE[name]
        elif name in metrics:
            known |= metrics[name]
        else:
            fault(where, f"the program has no metric {name}")
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", query):
        own = metrics.get(name, OURS_ALONE.get(name, set())) | TARGET
        for label, way, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
            if label not in own:
                fault(where, f"{name} has no label {label}")
            if label in TARGET or label in free or name in OURS_ALONE:
                continue
            for part in value.split("|") if "~" in way else [value]:
                part = part.removesuffix(".*")
                if part not in words and not any(word.startswith(f"{part}{{") for word in words):
                    fault(where, f'no {label} is ever "{part}"')
    kept = re.findall(r"\b(by|on|ignoring|without)\s*\(([^)]*)\)", plain)
    for _, labels in kept:
        for label in filter(None, re.split(r"[\s,]+", labels)):
            # Alerts carry the labels of whatever made them fire.
            anything = set().union(*metrics.values()) if "ALERTS" in plain else set()
            if label not in known | anything:
                fault(where, f"nothing here has a label {label}")
    by = [set(re.split(r"[\s,]+", labels)) for word, labels in kept if word == "by"]
    return set().union(*by) if by else known


def check_rules(metrics, words):
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
    tests = yaml.safe_load((ROOT / "deploy/prometheus/rules_test.yml").read_text())
    fired = set()
    for test in tests["tests"]:
        for series in test.get("input_series", []):
            check_query(f"rules_test.yml: {test['name']}", series["series"], metrics, words, {"zone", "queue", "carrier", "link", "source"})
        for expected in test["promql_expr_test"]:
            for sample in expected["exp_samples"]:
                fired.update(re.findall(r'alertname="(\w+)"', sample["labels"]))
    names = []
    for group in rules["groups"]:
        for rule in group["rules"]:
            where = f"rules.yml: {rule['alert']}"
            names.append(rule["alert"])
            labels = check_query(where, rule["expr"], metrics, words)
            if rule["labels"].get("severity") not in ("critical", "warning", "none"):
                fault(where, "severity is critical, warning or none")
            said = rule["annotations"]
            for key in ("summary", "summary_zh", "action", "action_zh"):
                text = said.get(key, "")
                if not text:
                    fault(where, f"{key} is missing")
                elif key.endswith("_zh") != bool(CJK.search(text)):
                    fault(where, f"{key} is in the other language")
                for label in re.findall(r"\$labels\.(\w+)", text):
                    if label not in labels:
                        fault(where, f"{key} names the label {label}, which its series do not have")
            if rule["alert"] not in fired:
                fault(where, "no test in rules_test.yml makes it fire")
    for name in {name for name in names if names.count(name) > 1}:
        fault("rules.yml", f"two alerts are called {name}")
    return len(names)


def queries():
    """Where and what the dashboard asks."""
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/sanfang.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for note in dashboard["annotations"]["list"]:
        yield note["name"], note["expr"]


def check_dashboard(metrics, words):
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/sanfang.json").read_text())
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    known = [source["uid"] for source in sources["datasources"]]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource" and variable["current"]["value"] not in known:
            fault("sanfang.json", f"the data source {variable['current']['value']} is not provisioned")
    count = 0
    for where, query in queries():
        check_query(f"sanfang.json: {where}", query, metrics, words)
        count += 1
    taken, ids = {}, set()
    for panel in dashboard["panels"]:
        where = f"sanfang.json: {panel['title']}"
        if panel["id"] in ids:
            fault(where, f"the id {panel['id']} is taken")
        ids.add(panel["id"])
        if not (CJK.search(panel["title"]) and re.search(r"[A-Za-z]", panel["title"])):
            fault(where, "its title is in one language")
        if panel["type"] != "row" and not panel.get("targets"):
            fault(where, "it asks nothing")
        grid = panel["gridPos"]
        if grid["x"] + grid["w"] > 24:
            fault(where, "it is wider than the page")
        for cell in ((x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])):
            if cell in taken:
                fault(where, f"it lies over {taken[cell]}")
                break
            taken[cell] = panel["title"]
    return count


def main():
    if "--queries" in sys.argv:
        rules = []
        for number, (_, query) in enumerate(queries()):
            for word, span in (("$__rate_interval", "5m"), ("$__range", "6h")):
                query = query.replace(word, span)
            rules.append({"record": f"query:{number}", "expr": query})
        print(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
        return 0
    metrics, words = registered()
    if len(metrics) < 15:
        fault("source", f"only {len(metrics)} metrics were found: are they registered in another way now?")
    alerts, asked = check_rules(metrics, words), check_dashboard(metrics, words)
    print("\n".join(faults) or f"{len(metrics)} metrics, {alerts} alerts, {asked} queries")
    return 1 if faults else 0


sys.exit(main())
