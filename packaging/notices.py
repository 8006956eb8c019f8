"""What a release says of what is inside it: an SBOM (CycloneDX), the licences of others' crates, Debian's changelog. All of it
from cargo's metadata and the crates' own files, so that there is nothing to keep up to date."""

import email.utils
import hashlib
import json
import pathlib
import subprocess
import tomllib
import uuid

LICENCE_FILES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "COPYRIGHT*", "UNLICENSE*")


def packages(tree, triple):
    """The packages whose code is in the program for this platform, by id, `mfa-run` first; macros run in the compiler and are not."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", triple]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=tree).stdout)
    by_id = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    lock = tomllib.loads((tree / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}

    def is_macro(package):
        return any("proc-macro" in target["kind"] for target in package["targets"])

    found, todo = {}, [metadata["resolve"]["root"]]
    while todo:
        package = by_id[todo.pop(0)]
        if package["id"] in found:
            continue
        linked = [
            dep["pkg"]
            for dep in nodes[package["id"]]["deps"]
            if any(kind["kind"] is None for kind in dep["dep_kinds"]) and not is_macro(by_id[dep["pkg"]])
        ]
        checksum = checksums[package["name"], package["version"]]
        found[package["id"]] = package | {"linked": sorted(linked), "checksum": checksum}
        todo += linked
    return found


def title(package):
    return f"{package['name']} {package['version']}"


def licences(found):
    """Every licence text in the crates of others once, below the names of those that come with it."""
    texts, same = {}, {}
    for package in list(found.values())[1:]:
        folder = pathlib.Path(package["manifest_path"]).parent
        files = sorted({file for pattern in LICENCE_FILES for file in folder.glob(pattern) if file.is_file()})
        if not files:
            texts.setdefault(f"(no licence file in the crate; its manifest says {package['license']})", set()).add(title(package))
        for file in files:
            text = "\n".join(line.rstrip() for line in file.read_text(errors="replace").strip().splitlines())
            # the same words in other lines are the same licence
            first = same.setdefault(" ".join(text.split()), text)
            texts.setdefault(first, set()).add(title(package))
    parts = [f"{', '.join(sorted(names))}\n\n{text}\n" for text, names in texts.items()]
    rule = "\n" + "-" * 80 + "\n\n"
    return "mfa-run contains code of these crates, under the licences below them.\n" + rule + rule.join(sorted(parts))


def debian_changelog(version, epoch):
    when = email.utils.formatdate(epoch)
    return (
        f"mfa-run ({version}-1) unstable; urgency=medium\n\n"
        "  * What has changed is in /usr/share/doc/mfa-run/changelog.gz.\n\n"
        f" -- the mfa-run contributors <mfa-run@users.noreply.github.com>  {when}\n"
    )


def component(package, kind="library"):
    purl = f"pkg:cargo/{package['name']}@{package['version']}"
    made = {"type": kind, "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if package["checksum"]:
        made["hashes"] = [{"alg": "SHA-256", "content": package["checksum"]}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def sbom(found, epoch, program, triple):
    """CycloneDX 1.6. `program` is the SHA-256 of the executable."""
    own, *others = found.values()
    refs = {id: component(package)["bom-ref"] for id, package in found.items()}
    subject = component(own, "application") | {"hashes": [{"alg": "SHA-256", "content": program}]}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": email.utils.parsedate_to_datetime(email.utils.formatdate(epoch)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": subject,
            "properties": [{"name": "mfa-run:target", "value": triple}],
        },
        "components": sorted((component(package) for package in others), key=lambda made: made["bom-ref"]),
        "dependencies": sorted(
            ({"ref": refs[id], "dependsOn": sorted({refs[dep] for dep in package["linked"]})} for id, package in found.items()),
            key=lambda entry: entry["ref"],
        ),
    }
    digest = hashlib.sha256(json.dumps(bom, sort_keys=True).encode()).hexdigest()
    return bom | {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}"}
