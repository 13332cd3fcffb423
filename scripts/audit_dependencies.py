"""Look every locked package up in PyPI's list of known vulnerabilities, by pip-audit; exit code 1 if one is known.

A registry that has no such list leaves packages unaudited, which pip-audit itself does not count as a failure. This
says so, and with `--required` it is one.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-serve.lock")
TOOL = "pip-audit==2.10.1"


def main(required: bool) -> int:
    uv = Path(sys.executable).with_name("uv")
    locks = [option for lock in LOCKS for option in ("-r", str(ROOT / lock))]
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run([uv, "tool", "run", TOOL, *options, *locks], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        sys.stderr.write(f"Nothing was audited: pip-audit could not be run.\n{done.stderr[-2000:]}\n")
        return int(required)
    unaudited = {each["name"] for each in packages if "skip_reason" in each}
    known = {each["name"]: each for each in packages if each.get("vulns")}
    for name, each in sorted(known.items()):
        fixes = ", ".join(f"{vuln['id']} (fixed in {vuln['fix_versions'] or 'no version'})" for vuln in each["vulns"])
        sys.stderr.write(f"{name} {each['version']}: {fixes}\n")
    names = {each["name"] for each in packages}
    sys.stderr.write(f"{len(names - unaudited)} of {len(names)} packages were audited, {len(known)} are vulnerable.\n")
    if unaudited:
        sys.stderr.write(f"Not audited, since this registry has no list of them: {len(unaudited)} packages.\n")
    return int(bool(known) or (required and bool(unaudited)))


if __name__ == "__main__":
    sys.exit(main("--required" in sys.argv))
