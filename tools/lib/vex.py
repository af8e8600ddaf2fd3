# SPDX-License-Identifier: Apache-2.0
"""What is known against what is built, with our answers: tools/vulnerabilities.json as CycloneDX and as a table.

An answer says why a fault does not count here, or that it does. What of that can be looked up is looked up each time:
  absent    names that no configuration of Mbed TLS defines
  uncalled  names that stand in no source file of the project
  unbuilt   folders that no CMake file of the platform names
  files     files that must be there, such as the mend and its test
"""
import hashlib
import json
import re
import uuid

STATES = {"resolved", "exploitable", "not_affected"}
JUSTIFICATIONS = {"code_not_present", "code_not_reachable", "requires_configuration", "requires_environment",
                  "protected_by_mitigating_control"}
SOURCES = ("core", "port", "platform", "tools/sbs", "boards")


def load(root, file=None):
    return json.loads((file or root / "tools" / "vulnerabilities.json").read_text(encoding="utf-8"))


def text_of(root, folders, patterns):
    files = [file for folder in folders for pattern in patterns for file in (root / folder).rglob(pattern)]
    return {file: file.read_text(encoding="utf-8") for file in sorted(files)}


def faults_of_answer(answer, root, configurations, sources, lists):
    """What an answer says and is not so."""
    name, holds = answer["id"], answer.get("holds", {})
    if answer["state"] not in STATES:
        yield f"{name}: no state '{answer['state']}'"
    if (answer["state"] == "not_affected") != (answer.get("justification") in JUSTIFICATIONS):
        yield f"{name}: 'not_affected' needs a justification, and nothing else has one"
    if not answer.get("source", "").startswith("https://") or not answer.get("detail"):
        yield f"{name}: no source, or no detail"
    for word in holds.get("absent", []):
        for file, text in configurations.items():
            if re.search(rf"^#\s*define\s+{word}\b", text, re.M):
                yield f"{name}: {file.name} defines {word}"
    for word in holds.get("uncalled", []):
        for file, text in sources.items():
            if re.search(rf"\b{word}", text):
                yield f"{name}: {file.relative_to(root)} names {word}"
    for word in holds.get("unbuilt", []):
        for file, text in lists.items():
            if word in text:
                yield f"{name}: {file.relative_to(root)} builds {word}"
    for file in holds.get("files", []):
        if not (root / file).exists():
            yield f"{name}: no file {file}"


def unanswered(known, components):
    """Components, as (name, version), that nobody has looked at in this version."""
    for name, version in components:
        entry = known["packages"].get(name)
        if entry is None:
            yield f"{name} {version}: nobody has looked for what is known against it"
        elif version not in entry["answered"]:
            yield f"{name} {version}: answers are for {', '.join(entry['answered'])}; look again, then add this version"


def faults(known, root, components):
    configurations = text_of(root, ["platform/mbedtls/config"], ["*.h"])
    # Those for Mbed TLS 4 are read by who brings it: no package that is built has it.
    configurations = {file: text for file, text in configurations.items() if not re.search("mbedtls4|tf_psa", file.name)}
    sources = text_of(root, SOURCES, ["*.c", "*.h"])
    lists = text_of(root, ["platform", "tests", "boards"], ["CMakeLists.txt"])
    found = list(unanswered(known, components))
    for answer in known["answers"]:
        if answer["package"] not in known["packages"]:
            found.append(f"{answer['id']}: no package '{answer['package']}'")
        found += faults_of_answer(answer, root, configurations, sources, lists)
    return found


def cyclonedx(known, components, library, created):
    """CycloneDX 1.5 (ECMA-424) with an analysis for each vulnerability."""
    versions = dict(components)
    parts = [{"type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version,
              "properties": [{"name": "sbs:debian-patches", "value": known["packages"].get(name, {}).get("debian", "")}]}
             for name, version in components]
    entries = []
    for answer in known["answers"]:
        if answer["package"] in versions:
            analysis = {key: answer[key] for key in ("state", "justification", "response", "detail") if key in answer}
            entries.append({"id": answer["id"], "source": {"url": answer["source"]}, "description": answer["title"],
                            "affects": [{"ref": f"{answer['package']}@{versions[answer['package']]}"}],
                            "analysis": analysis})
    digest = hashlib.sha256(json.dumps([parts, entries], sort_keys=True).encode()).hexdigest()
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
            "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32])}",
            "metadata": {"timestamp": created,
                         "component": {"type": "library", "bom-ref": "libsbs", "name": "libsbs", "version": library}},
            "components": parts, "vulnerabilities": entries}


def table(known, components):
    for name, version in components:
        entry = known["packages"].get(name, {})
        yield f"{name} {version} (looked at {entry.get('looked', 'never')}): {entry.get('debian', '')}"
        for answer in known["answers"]:
            if answer["package"] == name:
                why = answer.get("justification", "").replace("_", " ")
                yield f"  {answer['id']:<32} {answer['state'].replace('_', ' '):<12} {why}"
                yield f"  {'':<32} {answer['detail']}"
