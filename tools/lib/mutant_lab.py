# SPDX-License-Identifier: Apache-2.0
"""Where mutants live and die: two build trees, which test runs which line, and one mutant's compilation and trial.

The tree "plain" is optimised and holds what mutants are linked with. The tree "cover" tells the lines that each test
runs. Of a mutant one file is compiled and put ahead of the libraries, which keeps the true one out of the program.
"""
import collections
import hashlib
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import subprocess
import threading
import time

TIMES = 10  # a test that takes so many times its usual has noticed the mutant
LEAST_SECONDS = 2  # of CPU, before that counts
WALL_TIMES = 40  # of its usual CPU time, on the clock, before a test counts as hung: others use the machine, too
LEAST_WALL_SECONDS = 60
BYTES_OF_MEMORY = 4 << 30
BYTES_OF_FILE = 1 << 30  # the largest that a test makes, without writing it
SANITIZER_SECONDS = 3  # the sanitizers are asked with tests that take no longer
TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
ATTEMPTS = 3  # to pass without a mutant: others use the machine, and a few tests wait for a clock
FAILURES = 2  # so many tests may fail all the same
QUICK_SECONDS = 2  # tests below this are ordered by what they killed already
PROGRAM = re.compile(r"(test_(?!\w*lwip)\w+): ")  # lwIP and what is on it is no part of this

LINKER = "-fuse-ld=mold" if shutil.which("mold") else ""  # a mutant costs many links
INCLUDED = re.compile(r'#include "(\.\./[^"]*\.c)"')  # a test that compiles a file of the library itself

Test = collections.namedtuple("Test", "name link output folder")
Sanitizer = collections.namedtuple("Sanitizer", "flag variable options")
LEAKS = Sanitizer("-fsanitize=leak", "LSAN_OPTIONS", "exitcode=99")
ADDRESSES = Sanitizer("-fsanitize=address", "ASAN_OPTIONS", "detect_leaks=0:detect_odr_violation=0")
MOVING = ("arithmetic", "constant", "off by one", "relational")  # kinds that may reach outside of memory


def command_output(*command, folder=None):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def limited(any_space):
    """Runs in the child: a session of its own, no core file, bounds on what a mutant may do to the machine. The leak
    checker reserves more addresses than there is memory."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES_OF_FILE, BYTES_OF_FILE))
    if not any_space:
        resource.setrlimit(resource.RLIMIT_AS, (BYTES_OF_MEMORY, BYTES_OF_MEMORY))


def run_bounded(command, folder, usual, settings, any_space=False):
    """Runs a test that takes @p usual CPU seconds, or None if that is not known yet. Returns (exit status or None when it
    was ended, CPU seconds)."""
    cpu_limit = None if usual is None else max(LEAST_SECONDS, TIMES * usual)

    def prepare():
        limited(any_space)
        if cpu_limit is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_limit) + 1, int(cpu_limit) + 2))
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=settings, preexec_fn=prepare) as child:
        wall_limit = 3600 if usual is None else max(LEAST_WALL_SECONDS, WALL_TIMES * usual)
        deadline = time.monotonic() + wall_limit
        pause = 0.002
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid != 0:
                break
            if time.monotonic() > deadline:
                os.killpg(child.pid, signal.SIGKILL)
                _, status, usage = os.wait4(child.pid, 0)
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        child.returncode = os.waitstatus_to_exitcode(status)
        try:
            os.killpg(child.pid, signal.SIGKILL)  # what it left behind
        except ProcessLookupError:
            pass
    ended = child.returncode in (-signal.SIGKILL, -signal.SIGXCPU)
    return (None if ended else child.returncode), usage.ru_utime + usage.ru_stime


class Lab:
    """The two trees of a source tree @p root, kept in @p folder."""

    def __init__(self, root, folder, jobs, say, quick=None, chosen=None):
        self.root, self.folder, self.jobs, self.say = root, folder, jobs, say
        self.quick = quick  # no slower test is run, or None
        self.chosen = chosen or [""]  # texts: a test whose name contains none of them is left out
        self.plain, self.cover = folder / "plain", folder / "cover"
        self.tests, self.seconds, self.lines, self.compiles = {}, {}, {}, {}
        self.includers = collections.defaultdict(dict)  # file -> test that includes it -> its source and object
        self.kills = collections.Counter()
        self.originals, self.clean, self.lock = {}, {}, threading.Lock()

    # ---- building

    def prepare(self):
        """Builds both trees, and learns which test runs which lines; what was learnt before and still holds is kept."""
        self.build(self.plain, "-O2", "OFF")
        self.build(self.cover, "-O0", "ON")
        self.read_commands()
        self.measure()

    def build(self, tree, flags, coverage):
        self.say(f"building {tree.name}")
        log = tree.with_suffix(".log")
        tree.mkdir(parents=True, exist_ok=True)
        # A time of the build that stays: else each configuration would change programs that are the same.
        settings = dict(os.environ, SOURCE_DATE_EPOCH="1750000000")
        with log.open("w") as out:
            def run(*command):
                done = subprocess.run(command, cwd=tree, stdout=out, stderr=subprocess.STDOUT, env=settings, check=False)
                if done.returncode != 0:
                    raise SystemExit(f"mutate: {shlex.join(command[:3])} failed: {log}")
            run("cmake", "-S", str(self.root), "-B", str(tree), "-G", "Ninja", "-DCMAKE_C_COMPILER=gcc",
                "-DCMAKE_BUILD_TYPE=None", f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_EXE_LINKER_FLAGS={LINKER}",
                f"-DSBS_COVERAGE={coverage}", "-DSBS_BUILD_TOOLS=OFF")
            run("ninja", "-j", str(self.jobs), *self.programs(tree))

    def programs(self, tree):
        found = [PROGRAM.match(line) for line in command_output("ninja", "-t", "targets", "all", folder=tree).splitlines()]
        names = {match.group(1) for match in found if match}
        return sorted(name for name in names if any(text in name for text in self.chosen))

    def read_commands(self):
        for entry in json.loads((self.plain / "compile_commands.json").read_text()):
            file, words = pathlib.Path(entry["file"]), shlex.split(entry["command"])
            output = words[words.index("-o") + 1]
            if not file.is_relative_to(self.root):
                continue
            name = str(file.relative_to(self.root))
            if name not in self.compiles or not output.startswith("tests/"):
                self.compiles[name] = self.compile_command(entry)
            if output.startswith("tests/"):
                for included in INCLUDED.findall(file.read_text(encoding="utf-8")):
                    self.includers[os.path.normpath(os.path.join(os.path.dirname(name), included))][file.stem] = (name, output)
        listed = json.loads(command_output("ctest", "--show-only=json-v1", folder=self.plain))["tests"]
        folders = {}
        for test in listed:
            for one in test.get("properties", []):
                if one["name"] == "WORKING_DIRECTORY":
                    folders[test["name"]] = one["value"]
        names = [name for name in self.programs(self.plain) if name in folders]
        for line in command_output("ninja", "-t", "commands", *names, folder=self.plain).splitlines():
            if line.startswith(": && "):
                link = shlex.split(line)[2:]
                link = link[:link.index("&&")]
                output = link[link.index("-o") + 1] if "-o" in link else ""
                name = os.path.basename(output)
                if name in names:
                    self.tests[name] = Test(name, link, output, folders[name])

    @staticmethod
    def compile_command(entry):
        words = shlex.split(entry["command"])
        while not os.path.basename(words[0]).startswith(("gcc", "cc", "x86_64", "aarch64")):
            words.pop(0)  # a launcher
        skip = {"-o": 2, "-c": 2, "-MF": 2, "-MT": 2, "-MD": 1}
        command, i = [], 0
        while i < len(words):
            if words[i] in skip:
                i += skip[words[i]]
            else:
                command.append(words[i])
                i += 1
        return command + ["-w", "-iquote", str(pathlib.Path(entry["file"]).parent)], entry["directory"]

    # ---- which test runs what, and how long

    def measure(self):
        cache = self.folder / "coverage"
        cache.mkdir(exist_ok=True)
        waiting = list(self.tests.values())
        failed = []

        def work():
            while True:
                with self.lock:
                    if not waiting:
                        return
                    test = waiting.pop()
                try:
                    known = self.measure_one(test, cache)
                except (OSError, subprocess.CalledProcessError, ValueError) as error:
                    known = {"seconds": None, "lines": {}, "why": str(error)}
                with self.lock:
                    if known["seconds"] is None:
                        failed.append(test.name)
                    self.seconds[test.name] = known["seconds"]
                    for file, numbers in known["lines"].items():
                        for number in numbers:
                            self.lines.setdefault(file, {}).setdefault(number, set()).add(test.name)
        run_threads(self.jobs, work)
        if len(failed) > FAILURES:
            raise SystemExit(f"mutate: these fail without any mutant: {' '.join(sorted(failed))}")
        for name in failed:
            self.say(f"{name} fails without any mutant: it is left out, and can kill none")
            del self.tests[name]

    def measure_one(self, test, cache):
        program = (self.plain / test.output).read_bytes() + (self.cover / test.output).read_bytes()
        file = cache / f"{test.name}.json"
        digest = hashlib.sha256(program).hexdigest()
        if file.exists():
            known = json.loads(file.read_text())
            if known["program"] == digest:
                return known
        self.say(f"measuring {test.name}")
        work = self.folder / "work" / f"measure-{test.name}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        for _ in range(ATTEMPTS):
            status, seconds = run_bounded([str(self.plain / test.output)], test.folder, None, environment(work))
            if status == 0:
                break
        if status == 0:
            settings = dict(environment(work), GCOV_PREFIX=str(work / "gcda"))
            status, _ = run_bounded([str(self.cover / test.output)], test.folder, None, settings)
        known = {"program": digest, "seconds": seconds if status == 0 else None, "lines": self.lines_of(work / "gcda")}
        if status == 0:
            file.write_text(json.dumps(known))
        shutil.rmtree(work, ignore_errors=True)
        return known

    def lines_of(self, gcda):
        """file -> the lines that were run. Only what the libraries hold: a test's own copy of a file is not mutated."""
        objects = []
        for data in gcda.rglob("*.gcda"):
            original = pathlib.Path("/") / data.relative_to(gcda)
            if self.cover in original.parents and "tests" not in original.relative_to(self.cover).parts:
                data.with_suffix(".gcno").symlink_to(original.with_suffix(".gcno"))
                objects.append(str(data))
        lines = {}
        if objects:
            told = command_output("gcov", "--json-format", "--stdout", *objects, folder=gcda)
            for document in told.splitlines():
                known_files = json.loads(document) if document.strip() else {"files": []}
                for file in known_files["files"]:
                    path = pathlib.Path(os.path.normpath(
                        os.path.join(known_files["current_working_directory"], file["file"])))
                    if path.suffix == ".c" and path.is_relative_to(self.root):
                        known = lines.setdefault(str(path.relative_to(self.root)), {})
                        for line in file["lines"]:
                            known[line["line_number"]] = known.get(line["line_number"], 0) + line["count"]
        # A line that was not run is told as well, as a negative number: it is code, in contrast to a table's.
        return {file: [number if count else -number for number, count in known.items()] for file, known in lines.items()}

    def tests_of(self, mutant):
        """Those that run the mutant's line, the most promising first."""
        known = self.lines.get(mutant.file, {})
        number = mutant.line_number
        if mutant.in_table:
            names = set().union(*(tests for line, tests in known.items() if line > 0))
        else:
            while number > mutant.first_line and number not in known and -number not in known:
                number -= 1  # a statement of several lines is counted at its beginning
            names = known.get(number, set())
        names = (names | set(self.includers[mutant.file])) & set(self.tests)
        stem = pathlib.PurePath(mutant.file).stem
        with self.lock:
            def cost(name):
                seconds = self.seconds[name]
                is_quick = seconds < QUICK_SECONDS
                is_meant = stem in name or mutant.is_wipe and "wipe" in name
                kills = self.kills[mutant.file, mutant.function, name] if is_quick else 0
                others = self.kills[mutant.file, name] if is_quick else 0
                return (-kills, not (is_quick and is_meant), -others, seconds)
            return sorted(names, key=cost)

    # ---- one mutant

    def compile(self, file, text, work, *more):
        """The object's path, or None."""
        command, folder = self.compiles[file]
        source, output = work / pathlib.PurePath(file).name, work / "mutant.o"
        source.write_text(text)
        output.unlink(missing_ok=True)
        done = subprocess.run([*command, *more, "-c", str(source), "-o", str(output)], cwd=folder, capture_output=True, check=False)
        return output if done.returncode == 0 else None

    def original(self, file, text, work):
        """The object code of the source as it is."""
        with self.lock:
            known = self.originals.get((file, work))
        if known is None:
            compiled = self.compile(file, text, work)
            if compiled is None:
                raise SystemExit(f"mutate: {file} does not compile")
            known = compiled.read_bytes()
            with self.lock:
                self.originals[file, work] = known
        return known

    def try_mutant(self, mutant, source, work):
        """Returns (verdict, the test that killed it or "")."""
        original = self.original(mutant.file, source, work)
        compiled = self.compile(mutant.file, mutant.applied(source), work)
        if compiled is None:
            return "no code", ""
        if compiled.read_bytes() == original:
            return "same code", ""
        names = [name for name in self.tests_of(mutant) if self.quick is None or self.seconds[name] <= self.quick]
        program = work / "program"
        for name in names:
            self.link(name, [str(compiled)], program, self.including(name, mutant, source, work))
            if self.fails(name, program, work):
                with self.lock:
                    self.kills[mutant.file, mutant.function, name] += 1
                    self.kills[mutant.file, name] += 1
                return "killed", name
        quick = [name for name in names if self.quick is None and self.seconds[name] <= SANITIZER_SECONDS]
        if mutant.operator == "removed call" and any(self.sanitizer_finds(name, compiled, LEAKS, work) for name in quick):
            return "killed", "leak"
        if self.traps(mutant, source, quick, work):
            return "killed", "undefined behaviour"
        if mutant.operator in MOVING and self.overruns(mutant, source, quick, work):
            return "killed", "memory that is another's"
        return ("survived" if names else "not run"), ""

    def including(self, name, mutant, source, work):
        """The objects of a test that includes the mutant's file: true one -> one with the mutant."""
        if name not in self.includers[mutant.file]:
            return {}
        file, output = self.includers[mutant.file][name]
        mutated = work / "included.c"
        mutated.write_text(mutant.applied(source))
        text = (self.root / file).read_text(encoding="utf-8")
        text = INCLUDED.sub(f'#include "{mutated}"', text)
        folder = work / "including"
        folder.mkdir(exist_ok=True)
        compiled = self.compile(file, text, folder, "-iquote", str((self.root / mutant.file).parent))
        return {output: str(compiled)} if compiled is not None else {}

    def link(self, name, first, program, instead=None):
        """Makes a test's program with these words ahead of its own, and some of its own replaced."""
        test = self.tests[name]
        replaced = dict(instead or {})
        replaced[test.output] = str(program)
        first = [] if instead else first  # it has the mutant in itself
        words = [replaced.get(word, word) for word in test.link]
        done = subprocess.run([words[0], *first, *words[1:]], cwd=self.plain, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"mutate: {name} does not link: {done.stderr[-400:]}")

    def fails(self, name, program, work):
        """True if it fails twice: one failure may be the machine's, which is busy."""
        status = self.run(name, program, work)
        return status is None or status != 0 and self.run(name, program, work) != 0

    def passes(self, name, program, work, **settings):
        return self.run(name, program, work, **settings) == 0

    def run(self, name, program, work, **settings):
        scratch = work / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        status, _ = run_bounded([str(program)], self.tests[name].folder, self.seconds[name],
                                dict(environment(scratch), **settings), bool(settings))
        return status

    def traps(self, mutant, source, names, work):
        """True if a test meets undefined behaviour in the mutant, such as a place outside of an array."""
        folder = work / "traps"
        folder.mkdir(exist_ok=True)
        compiled = self.compile(mutant.file, mutant.applied(source), folder, *TRAPS)
        program = work / "program"
        for name in names if compiled is not None else ():
            self.link(name, [str(compiled)], program)
            if not self.passes(name, program, work):
                return True
        return False

    def overruns(self, mutant, source, names, work):
        """True if a test reaches outside of memory with the mutant."""
        folder = work / "address"
        folder.mkdir(exist_ok=True)
        compiled = self.compile(mutant.file, mutant.applied(source), folder, ADDRESSES.flag)
        return compiled is not None and any(self.sanitizer_finds(name, compiled, ADDRESSES, work) for name in names)

    def sanitizer_finds(self, name, compiled, sanitizer, work):
        """True if the test passes with the mutant, but a sanitizer finds what it does not find without."""
        program = work / "program"
        first = [sanitizer.flag]
        with self.lock:
            clean = self.clean.get((name, sanitizer))
        if clean is None:
            self.link(name, first, program)
            clean = self.passes(name, program, work, **{sanitizer.variable: sanitizer.options})
            with self.lock:
                self.clean[name, sanitizer] = clean
        if not clean:
            return False
        self.link(name, [*first, str(compiled)], program)
        return not self.passes(name, program, work, **{sanitizer.variable: sanitizer.options})


def environment(folder):
    return dict(os.environ, TMPDIR=str(folder), SBS_LONG="0")


def run_threads(count, work):
    trouble = []

    def guarded():
        try:
            work()
        except BaseException as error:  # pylint: disable=broad-except
            trouble.append(error)
    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if trouble:
        raise trouble[0]
