"""The rules of the house that a program can check."""

import re

import tree

MAX_LINES = 600
CODE = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".js", ".css")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<](?:services/)?(\w+)/([\w./]+)[">]', re.MULTILINE)
# Written in two parts, so that this file does not break its own rule.
MACHINE_PATH = re.compile(r"(?<![\w.])/wor" r"k/|\.libra" r"ry/")


def find():
    return "\n".join(line for rule in RULES for line in rule())


def services():
    return sorted({name.split("/")[1] for name in tree.files() if name.startswith("services/") and name.count("/") > 1})


def files_are_short():
    for name in tree.files():
        if name.endswith(CODE) or tree.text(name)[:2] == "#!":
            lines = tree.text(name).count("\n")
            if lines > MAX_LINES:
                yield f"{name}: {lines} lines; {MAX_LINES} at most, better under 500"


def services_meet_only_at_their_apis():
    known = set(services())
    for name in tree.with_suffix(".cpp", ".hpp"):
        folder, _, rest = name.partition("/")
        own = rest.split("/")[0] if folder == "services" else None
        if folder not in ("services", "gateway", "lib"):
            continue
        for service, header in INCLUDE.findall(tree.text(name)):
            if service not in known or service == own:
                continue
            if folder == "lib":
                yield f"{name}: lib knows no service, but this includes {service}/{header}"
            elif header != "api.hpp":
                yield f"{name}: includes {service}/{header}; of another service only api.hpp may be included"


def services_explain_themselves():
    for service in services():
        if f"services/{service}/README.md" not in tree.files():
            yield f"services/{service}: has no README.md"


def every_method_has_its_line_in_remote():
    for service in services():
        api, remote = (f"services/{service}/{name}" for name in ("api.hpp", "remote.cpp"))
        lines = set(re.findall(r"SOUK_RPC\((\w+),", tree.text(remote))) if remote in tree.files() else set()
        for method in re.findall(r"virtual\s+Task<Result<[\w:<>]+>>\s+(\w+)\(", tree.text(api)):
            if method not in lines:
                yield f"{remote}: {method} of {api} has no line SOUK_RPC({method}, repeatable or once)"


def no_machine_paths():
    for name in tree.files():
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            if MACHINE_PATH.search(line):
                yield f"{name}:{number}: names a path of one machine: {line.strip()[:120]}"


RULES = [files_are_short, services_meet_only_at_their_apis, services_explain_themselves,
         every_method_has_its_line_in_remote, no_machine_paths]
