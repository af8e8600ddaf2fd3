# SPDX-License-Identifier: Apache-2.0
"""Small faults that can be put into a C source, one at a time: a mutant is the text with one of them.

The source is read by tokens, not by a compiler: what does not compile afterwards is no mutant, and what the compiler
makes the same code of is none either. Preprocessor lines, strings and comments are left as they are.
"""
import collections
import re

TOKEN = re.compile(
    r'(?P<space>\s+|/\*.*?\*/|//[^\n]*)'
    r'|(?P<directive>(?<![^\n])[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)'
    r'|(?P<string>(?:L|u8?|U)?"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>'(?:\\.|[^'\\\n])*')"
    r'|(?P<number>\.?[0-9](?:[eEpP][+-]|[\w.])*)'
    r'|(?P<word>[A-Za-z_]\w*)'
    r'|(?P<mark>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)', re.S)
RELATIONAL = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
LOGICAL = {"&&": "||", "||": "&&"}
ARITHMETIC = {"+": "-", "-": "+", "+=": "-=", "-=": "+=", "++": "--", "--": "++"}
KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "case", "default", "goto", "break",
            "continue", "typedef", "struct", "union", "enum", "static", "const"}
WIPE = re.compile(r'(^|_)(wipe|zeroize|bzero)(_|$)')
STATUS = re.compile(r'SBS_(OK|END|PENDING|ERR_\w+)$')
INTEGER = re.compile(r'(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)$')

Token = collections.namedtuple("Token", "kind text start")


class Mutant:
    """One fault: where it is, what it changes, and the text that comes of it."""

    def __init__(self, file, function, first_line, line_number, line, operator, old, new, span):
        self.file, self.function, self.first_line = file, function, first_line
        self.line_number, self.line = line_number, line
        self.operator, self.old, self.new, self.span = operator, old, new, span
        self.nth = 1  # among those of the same kind on lines of the same text in this function

    @property
    def key(self):
        return (self.file, self.function, self.line, f"{self.operator} {self.nth}: {self.old} -> {self.new}")

    @property
    def is_wipe(self):
        return self.operator == "removed wipe"

    @property
    def in_table(self):
        return self.function == "-"

    def applied(self, source):
        start, end = self.span
        newlines = "\n" * (source.count("\n", start, end) - self.new.count("\n"))
        return source[:start] + self.new + newlines + source[end:]

    def __str__(self):
        return "\n".join((f"{self.file}: {self.function}", f"    {self.line}", f"    {self.key[3]}"))


def tokens_of(source):
    """The tokens that are code; their places are those in the source."""
    return [Token(found.lastgroup, found.group(), found.start()) for found in TOKEN.finditer(source)
            if found.lastgroup not in ("space", "directive")]


def partner(tokens, at, opening, closing):
    """The place of the mark that closes the one at @p at, or None."""
    depth = 0
    for i in range(at, len(tokens)):
        if tokens[i].text == opening and tokens[i].kind == "mark":
            depth += 1
        elif tokens[i].text == closing and tokens[i].kind == "mark":
            depth -= 1
            if depth == 0:
                return i
    return None


class Reader:
    """Walks over one source's tokens and gathers its mutants."""

    def __init__(self, file, source):
        self.file, self.source = file, source
        self.tokens = tokens_of(source)
        self.function = "-"  # outside of all functions: tables
        self.first_line = 0
        self.returns_status = False
        self.found = []

    def text(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def kind(self, i):
        return self.tokens[i].kind if 0 <= i < len(self.tokens) else ""

    def add(self, operator, first, last, new):
        """@p new stands for the tokens from @p first to @p last."""
        start = self.tokens[first].start
        end = self.tokens[last].start + len(self.tokens[last].text)
        number = self.source.count("\n", 0, start) + 1
        line = self.source.splitlines()[number - 1].strip()
        old = " ".join(self.source[start:end].split())
        self.found.append(
            Mutant(self.file, self.function, self.first_line, number, line, operator, old, new, (start, end)))

    def read(self):
        i = 0
        while i < len(self.tokens):
            i = self.read_outside(i)
        counts = collections.Counter()
        for mutant in self.found:
            same = (mutant.function, mutant.line, mutant.operator, mutant.old, mutant.new)
            counts[same] += 1
            mutant.nth = counts[same]
        return self.found

    def read_outside(self, i):
        """One token outside of functions, or a whole function or table. Returns where to go on."""
        if self.text(i) in ("typedef", "enum", "struct", "union"):
            brace = next((k for k in range(i, len(self.tokens)) if self.text(k) in (";", "{", "(", "=")), i)
            if self.text(brace) == "{":
                return partner(self.tokens, brace, "{", "}") + 1
        if self.text(i) == "_Static_assert":
            return partner(self.tokens, i + 1, "(", ")") + 1
        if self.text(i) != "{":
            return i + 1
        end = partner(self.tokens, i, "{", "}")
        if self.text(i - 1) == ")":
            self.enter(i)
        for k in range(i + 1, end):
            self.mutate(k)
        self.function = "-"
        return end + 1

    def enter(self, brace):
        depth = 0
        for k in range(brace - 1, -1, -1):
            depth += (self.text(k) == ")") - (self.text(k) == "(")
            if depth == 0:
                self.function = self.text(k - 1)
                self.first_line = self.source.count("\n", 0, self.tokens[k].start) + 1
                self.returns_status = self.text(k - 2) == "sbs_status"
                return

    def mutate(self, i):
        token = self.tokens[i]
        if token.kind == "mark":
            self.mutate_mark(i)
        elif token.kind == "number":
            self.mutate_number(i)
        elif token.kind == "char":
            self.mutate_char(i)
        elif token.kind == "word":
            self.mutate_word(i)

    def mutate_mark(self, i):
        text = self.text(i)
        if text in RELATIONAL:
            self.add("relational", i, i, RELATIONAL[text])
        elif text in LOGICAL:
            self.add("logical", i, i, LOGICAL[text])
        elif text in ("++", "--", "+=", "-="):
            self.add("off by one", i, i, ARITHMETIC[text])
        elif text in ("+", "-"):
            before = self.text(i - 1)
            if self.kind(i - 1) in ("word", "number", "char") and before not in KEYWORDS or before in (")", "]"):
                self.add("arithmetic", i, i, ARITHMETIC[text])

    def in_declaration(self, i):
        """True for the size of an array that is declared: `char text[16]`."""
        return self.text(i - 1) == "[" and self.kind(i - 2) == "word" and self.kind(i - 3) == "word" \
            and self.text(i - 3) not in KEYWORDS

    def mutate_number(self, i):
        found = INTEGER.match(self.text(i))
        if found is None or self.in_declaration(i):
            return
        digits, suffix = found.groups()
        value = int(digits, 0) if digits.lower().startswith("0x") else int(digits, 8 if digits[0] == "0" else 10)
        for near in (value + 1, value - 1):
            if near >= 0:
                self.add("constant", i, i, (hex(near) if "x" in digits.lower() else str(near)) + suffix)

    def mutate_char(self, i):
        body = self.text(i)[1:-1]
        if len(body) == 1 and body.isprintable() and chr(ord(body) + 1) not in "'\\\x7f":
            self.add("constant", i, i, f"'{chr(ord(body) + 1)}'")

    def mutate_word(self, i):
        text = self.text(i)
        if text in ("true", "false"):
            self.add("constant", i, i, "false" if text == "true" else "true")
        elif text == "if" and self.text(i + 1) == "(":
            end = partner(self.tokens, i + 1, "(", ")")
            inner = self.source[self.tokens[i + 1].start:self.tokens[end].start + 1]
            self.add("negated condition", i + 1, end, f"(!{inner})")
        elif text == "return" and self.returns_status and self.kind(i + 1) == "word" and self.text(i + 2) == ";" \
                and self.text(i + 1) not in ("SBS_OK",):
            self.add("status", i + 1, i + 1, "SBS_OK")
        if STATUS.match(text):
            self.add("status", i, i, "SBS_ERR_BUFFER" if text == "SBS_ERR_ARGUMENT" else "SBS_ERR_ARGUMENT")
        self.mutate_call(i)

    def begins_statement(self, i):
        before = self.text(i - 1)
        if before == ")":  # of an if, a while, a for; or of a cast that throws the result away
            depth = 0
            for k in range(i - 1, -1, -1):
                depth += (self.text(k) == ")") - (self.text(k) == "(")
                if depth == 0:
                    return self.text(k - 1) in ("if", "while", "for")
        return before in (";", "{", "}", "else", "do", ":")

    def mutate_call(self, i):
        first = i
        if self.text(i - 1) == ")" and self.text(i - 2) == "void" and self.text(i - 3) == "(":
            first = i - 3
        if self.text(i) in KEYWORDS or not self.begins_statement(first):
            return
        k = i
        while self.text(k + 1) in (".", "->") and self.kind(k + 2) == "word":
            k += 2
        if self.text(k + 1) != "(":
            return
        end = partner(self.tokens, k + 1, "(", ")")
        if end is not None and self.text(end + 1) == ";":
            self.add("removed wipe" if WIPE.search(self.text(k)) else "removed call", first, end, "(void)0")


def mutants_of(file, source):
    """All mutants of a source, in the order of their places."""
    return Reader(file, source).read()
