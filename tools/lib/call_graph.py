# SPDX-License-Identifier: Apache-2.0
"""Functions, their stack frames and who calls whom, as gcc writes them with -fcallgraph-info=su."""
import functools
import re
import subprocess

INDIRECT = "__indirect_call"
# Calls through pointers that may stand inside one another on one path: a writer that feeds a writer that hashes.
NESTED_POINTERS = 3
# The one function that calls a writer's sink, and the type that tells a sink from every other function.
SINK_CALLER = "sbs_put"
SINK = re.compile(r"^(?:static )?sbs_status (\w+)\(void \*\w+, const char \*\w+, size_t \w+\) {", re.MULTILINE)
# The core's own implementations of ports: any caller of a port may reach them.
PORTS = ("psa_key.c.obj",)


def short(name):
    """static functions are titled path:name, and gcc's clones name.part.0 and the like"""
    return name.rpartition(":")[2].partition(".")[0]


class CallGraph:
    def __init__(self, objects, sources):
        """objects: with a .ci file beside each; sources: the C files they were made from."""
        self.frames, self.calls, self.through_pointer = {}, {}, {}
        for path in objects:
            self._read(path)
        sinks = {name for path in sources for name in SINK.findall(path.read_text(encoding="utf-8"))}
        taken = {path.name: address_taken(path) for path in objects}
        ports = set().union(*(taken.get(name, set()) for name in PORTS)) - sinks
        self.sinks = self._named(set().union(*taken.values()) & sinks)
        self.pointees = {name: self._named((names - sinks) | ports) for name, names in taken.items()}

    def _named(self, names):
        return sorted(name for name in self.frames if short(name) in names)

    def _reached(self, name):
        """What a call through a pointer in function name may reach: the writer's, sinks; any other, a function whose
        address is taken in the same object, or a port that the core implements. Pointers given to another object
        are sinks and ports only."""
        return self.sinks if short(name) == SINK_CALLER else self.pointees[self.through_pointer[name]]

    def _read(self, path):
        text = path.with_suffix(".ci").read_text(encoding="utf-8", errors="replace")
        for name, label in re.findall(r'node: { title: "([^"]+)" label: "([^"]*)"', text):
            frame = re.search(r"(\d+) bytes \(([a-z,]+)\)", label)
            if frame:
                self.frames[name] = (int(frame.group(1)), frame.group(2))
        for source, target in re.findall(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', text):
            if target == INDIRECT:
                self.through_pointer[source] = path.name
            else:
                self.calls.setdefault(source, set()).add(target)

    def dynamic(self):
        return sorted(short(name) for name, (_, kind) in self.frames.items() if "dynamic" in kind)

    def cycles(self):
        """One text for each function that reaches itself by direct calls."""
        state, found = {}, []
        for root in self.frames:
            path, work = [], [(root, False)]
            while work:
                name, leaving = work.pop()
                if leaving:
                    path.pop()
                    state[name] = "done"
                elif state.get(name) == "open":
                    found.append(" -> ".join(map(short, path[path.index(name):] + [name])))
                elif name not in state:
                    state[name] = "open"
                    path.append(name)
                    work.append((name, True))
                    work.extend((callee, False) for callee in sorted(self.calls.get(name, ())))
        return found

    def deepest(self, root):
        """(bytes, path) of the deepest stack below root, what lies outside the core not counted. Only without cycles.

        A function that is on the path already is not entered again through a pointer.
        """
        @functools.lru_cache(maxsize=None)
        def depth(name, entered):
            below = [depth(callee, entered) for callee in self.calls.get(name, ()) if callee in self.frames]
            if name in self.through_pointer and len(entered) < NESTED_POINTERS:
                below += [depth(callee, entered | {callee}) for callee in self._reached(name) if callee not in entered]
            size, path = max(below, default=(0, ()))
            return size + self.frames[name][0], (short(name),) + path

        return depth(root, frozenset())


def address_taken(path):
    """Names of functions whose address stands in the object's code or data."""
    asked = subprocess.run(["arm-none-eabi-objdump", "-r", str(path)], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in re.findall(r"R_ARM_ABS32\s+(?:\.text\.)?(\w[\w.]*)", asked.stdout)}
