# SPDX-License-Identifier: Apache-2.0
"""The sizes of the contexts that a program places, of tests/size/contexts.c, as rows of the table in docs/fit.md."""
import subprocess

PAGE = "docs/fit.md"
HEAD = ["| Context | Bytes | |", "|---|---|---|"]
ROWS = {
    "sbs_client": "one for each server",
    "sbs_client_config": "may be `const`, in flash",
    "sbs_push": "the push engine, one for each queue",
    "sbs_push_config": "may be `const`, in flash",
    "sbs_psa_key": "a key behind PSA; one of a secure element is yours",
    "sbs_tls_stream": "TLS over your stream, without Mbed TLS's buffers, which are in the heap",
    "sbs_tls_config": "trust, versions and sessions of a stream",
    "sbs_tls_session": "one for each host whose session is resumed, two as a rule",
    "sbs_tls_trust": "the certificates are in the heap, about 1 KB each",
    "sbs_flash_queue": "the durable queue on raw flash",
    "sbs_flash_storage": "a few records on raw flash",
    "work_small": "for client id 36, URLs 128, scope 48, token 1024, answers 1536 bytes",
    "work_usual": "for the same with a token of 1536 and answers of 3072 bytes",
    "work_large": "for client id 2048, URLs 256, scope 128, token 4096, answers 8192 bytes",
}


def rows(build):
    """The lines of the table, from the sizes of the symbols."""
    path = build / "tests/size/CMakeFiles/size_contexts.dir/contexts.c.obj"
    asked = subprocess.run(["arm-none-eabi-nm", "-S", str(path)], capture_output=True, text=True, check=True)
    sizes = {}
    for line in asked.stdout.splitlines():
        parts = line.split()
        if len(parts) == 4:
            sizes[parts[3].removeprefix("context_")] = int(parts[1], 16)
    return [f"| {f'`{name}`' if name.startswith('sbs_') else f'{name[5:]} work buffer'} | {sizes[name]} | {what} |"
            for name, what in ROWS.items()]


def report(root, build, mode):
    """Prints the table, writes it into the page, or says which rows the page has wrong. True if all is well."""
    table = rows(build)
    if mode == "print":
        print("\n".join([*HEAD, *table]))
        return True
    page = (root / PAGE).read_text(encoding="utf-8").splitlines()
    if mode == "write":
        start = page.index(HEAD[0])
        end = page.index("", start)
        (root / PAGE).write_text("\n".join([*page[:start], *HEAD, *table, *page[end:]]) + "\n", encoding="utf-8")
        return True
    missing = [row for row in table if row not in page]
    for row in missing:
        print(f"FAILED: {PAGE} lacks this row; tools/size --write-contexts mends it: {row}")
    return not missing
