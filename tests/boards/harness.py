# SPDX-License-Identifier: Apache-2.0
"""What the tests on boards share: counting, and programs that run in QEMU."""
import os
import pathlib
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NOISE = ("has no peer", "Timer with period zero")
results = {"ok": 0, "FAILED": 0}
lock = threading.Lock()


def report(passed, what, detail=""):
    """One test: its line, and why it failed."""
    word = "ok" if passed else "FAILED"
    with lock:
        results[word] += 1
        print(f"{word}: {what}" + (f"\n{detail}" if detail and not passed else ""), flush=True)
    return passed


def firmware(*arguments):
    return subprocess.run([sys.executable, ROOT / "tools" / "firmware", *map(str, arguments)], cwd=ROOT,
                          capture_output=True, text=True, check=False)


def qemu_command(board, image, timeout, **options):
    """The command as tools/firmware prints it."""
    command = ["run", board, "--image", image, "--print", "--timeout", timeout]
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            command += [f"--{name.replace('_', '-')}={each}"]
    printed = firmware(*command)
    if printed.returncode != 0:
        sys.exit(printed.stderr)
    return printed.stderr.strip()


HANG_S = 600  # ends a program that hangs; ten times what any of them takes


class Program:
    """A program that runs; its console is a pipe both ways."""

    def __init__(self, board, image, timeout=HANG_S, **options):
        self.process = subprocess.Popen(["sh", "-c", "exec " + qemu_command(board, image, timeout, **options)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self):
        return self.process.stdout.readline().decode("utf-8", "replace").rstrip("\n")

    def until(self, start):
        """The next line that begins so; ends with the program."""
        while True:
            raw = self.process.stdout.readline()
            text = raw.decode("utf-8", "replace").rstrip("\n")
            if not raw or text.startswith(start):
                return text

    def finish(self, data=None):
        """Waits for the end: exit status, console, QEMU's own complaints."""
        out, err = self.process.communicate(data)
        noise = [text for text in err.decode("utf-8", "replace").splitlines() if not any(word in text for word in NOISE)]
        return self.process.returncode, out.decode("utf-8", "replace"), "\n".join(noise)

    def signal(self, number):
        """A signal for QEMU, which is what `timeout` runs."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        for child in children.split():
            os.kill(int(child), number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()


def run(board, image, timeout=HANG_S, **options):
    return Program(board, image, timeout, **options).finish()
