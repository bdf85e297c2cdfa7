"""Kubernetes manifests: what schemas cannot see. Names that are referred to exist, selectors meet pods,
and each pod keeps to the restricted profile, whatever overlay made it.
"""

import sys

import yaml

objects = []
for name in sys.argv[1:]:
    with open(name) as file:
        objects += [found for found in yaml.safe_load_all(file) if found]
faults = []


def of(kind):
    return [found for found in objects if found["kind"] == kind]


def names(kind):
    return {found["metadata"]["name"] for found in of(kind)}


def expect(holds, where, what):
    if not holds:
        faults.append(f"{where['kind']}/{where['metadata']['name']}: {what}")


def meets(selector, labels):
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In" or labels.get(expression["key"]) not in expression["values"]:
            return False
    return selector.get("matchLabels", {}).items() <= labels.items()


owners = of("Deployment") + of("StatefulSet") + of("Job")
labels = {owner["metadata"]["name"]: owner["spec"]["template"]["metadata"]["labels"] for owner in owners}


def check_pod(owner):
    pod = owner["spec"]["template"]["spec"]
    rights = pod.get("securityContext", {})
    expect(rights.get("runAsNonRoot") and rights.get("runAsUser"), owner, "it may be root")
    expect(rights.get("seccompProfile", {}).get("type") == "RuntimeDefault", owner, "no seccomp profile")
    expect(pod.get("automountServiceAccountToken") is False, owner, "it holds a token of the cluster")
    expect(pod.get("serviceAccountName") in names("ServiceAccount"), owner, "its account is not there")
    claims = {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", [])}
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    for volume in pod.get("volumes", []):
        for kind, key, to in (
            ("ConfigMap", "configMap", "name"),
            ("Secret", "secret", "secretName"),
            ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName"),
        ):
            if key in volume:
                expect(volume[key][to] in names(kind), owner, f"there is no {kind} {volume[key][to]}")
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        expect(own.get("allowPrivilegeEscalation") is False, owner, "it may gain rights")
        expect(own.get("readOnlyRootFilesystem") is True, owner, "its root can be written")
        expect(own.get("capabilities", {}).get("drop") == ["ALL"], owner, "it keeps capabilities")
        expect("memory" in container.get("resources", {}).get("limits", {}), owner, "no limit of memory")
        expect(":" in container["image"] and not container["image"].endswith(":latest"), owner, "its image has no version")
        for mount in container.get("volumeMounts", []):
            expect(mount["name"] in volumes | claims, owner, f"there is no volume {mount['name']}")
        if owner["kind"] == "Job":
            continue
        claimed = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume}
        kept = [claimed.get(mount["name"]) for mount in container["volumeMounts"] if mount["mountPath"] == "/var/lib/sanfang"]
        expect(kept == ["directory"], owner, "the recipients' directory is not the one of all")
        ports = {port["name"] for port in container.get("ports", [])}
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            asked = container.get(probe, {}).get("httpGet", {})
            expect(asked.get("path") == path and asked.get("port") in ports, owner, f"{probe} is not {path}")


def lets(direction, one, other):
    """Whether a policy about the pods of `one` lets them take from (Ingress) or ask (Egress) those of `other`."""
    rules, peers = (direction.lower(), "from" if direction == "Ingress" else "to")
    return any(
        "podSelector" in peer and meets(peer["podSelector"], labels[other]) and {"protocol": "TCP", "port": "http"} in rule["ports"]
        for policy in of("NetworkPolicy")
        if direction in policy["spec"]["policyTypes"] and meets(policy["spec"]["podSelector"], labels[one])
        for rule in policy["spec"].get(rules, [])
        for peer in rule[peers]
    )


for owner in owners:
    check_pod(owner)
    name = owner["metadata"]["name"]
    if owner["kind"] == "Job":
        continue
    expect(owner["spec"]["replicas"] >= 2, owner, "one that dies leaves nobody")
    expect(meets(owner["spec"]["selector"], labels[name]), owner, "it does not select its own pods")
    expect(owner["spec"]["template"]["spec"].get("topologySpreadConstraints"), owner, "all may stand on one machine")
    budgets = [found for found in of("PodDisruptionBudget") if meets(found["spec"]["selector"], labels[name])]
    expect(len(budgets) == 1, owner, f"{len(budgets)} disruption budgets")
    if owner["kind"] == "StatefulSet":
        expect(owner["spec"]["serviceName"] in names("Service"), owner, "its service is not there")
for service in of("Service"):
    met = [name for name, own in labels.items() if service["spec"]["selector"].items() <= own.items()]
    expect(met == [service["metadata"]["name"]], service, f"it leads to {met}")
for policy in of("NetworkPolicy"):
    expect(any(meets(policy["spec"]["podSelector"], own) for own in labels.values()), policy, "it is about nobody")
everybody = [policy for policy in of("NetworkPolicy") if policy["spec"]["podSelector"] == {}]
if not any(set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"} for policy in everybody):
    faults.append("NetworkPolicy: nothing is refused by default")
# Questions to owners of zones, and the apps' stream.
for asks, asked in (("console", "rules"), ("console", "dispatch"), ("dispatch", "dispatch")):
    if not (lets("Egress", asks, asked) and lets("Ingress", asked, asks)):
        faults.append(f"NetworkPolicy: {asks} cannot ask {asked}")
for claim in of("PersistentVolumeClaim"):
    expect(claim["spec"]["accessModes"] == ["ReadWriteMany"], claim, "pods on other machines cannot have it")
for secret in of("Secret"):
    for key, value in (secret.get("stringData", {}) | secret.get("data", {})).items():
        expect(not value, secret, f"{key} has a value")
print("\n".join(faults) or f"{len(objects)} objects")
sys.exit(1 if faults else 0)
