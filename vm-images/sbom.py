#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sbom.py MANIFEST EPOCH > ordergate.spdx.json

A bill of materials (SPDX 2.3) of the image. MANIFEST has a line per Debian
package: name, version, architecture and source, separated by tabs.
"""
import datetime
import hashlib
import json
import re
import sys


def package(line: str) -> dict:
    name, version, architecture, source = line.rstrip("\n").split("\t")
    return {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{name}-{architecture}"),
        "name": name,
        "versionInfo": version,
        "sourceInfo": f"Debian source package {source}",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}",
        }],
    }


def main() -> None:
    path, epoch = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        lines = file.readlines()
    packages = [package(line) for line in lines]
    made = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "ordergate-image",
        "documentNamespace": f"urn:ordergate:image:{digest}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: vm-images/sbom.py"]},
        "packages": packages,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": entry["SPDXID"]} for entry in packages],
    }, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
