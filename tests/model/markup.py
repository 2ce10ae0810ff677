# SPDX-License-Identifier: Apache-2.0
"""Text inside HTML, as docs/DECISION.md section 2 rules: the characters that count, each with its place in the source."""

import html.entities
import re

from words import Source, decode

ENTITIES = {**html.entities.name2codepoint, "apos": 0x27}  # the 252 names of HTML 4, and one
# Those that HTML 5 knows without a semicolon.
BARE = sorted((n for n in ENTITIES if n in html.entities.html5), key=len, reverse=True)

JOINING = set(
    "a abbr b bdi bdo big cite code data del dfn em font i ins kbd mark nobr q ruby rp rt s samp small span strike"
    " strong sub sup time tt u var wbr script style template noscript".split()
)
RAW_TEXT = set("script style noscript iframe xmp noembed noframes".split())
HIDDEN = set("script style noscript iframe".split())
SUPERSCRIPTS = dict(zip("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"))
SPACE = "\t\n\f\r "


# ---- character references ---------------------------------------------------------------------


def numbered(number):
    if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    if 0x80 <= number <= 0x9F:
        try:
            return bytes([number]).decode("windows-1252")
        except UnicodeDecodeError:
            return chr(number)
    return chr(number)


def reference(text, at, bare):
    """The character that a reference at `at` stands for, and where it ends; or None. `bare`: as browsers read it."""
    number = re.compile(r"&#(?:([0-9]+)|[xX]([0-9A-Fa-f]+))(;?)").match(text, at)
    if number:
        if not number[3] and not bare:
            return None
        value = int(number[1]) if number[1] else int(number[2], 16)
        return numbered(value), number.end()
    name = re.compile(r"&([0-9A-Za-z]+);").match(text, at)
    if name and name[1] in ENTITIES:
        return chr(ENTITIES[name[1]]), name.end()
    if bare:
        for known in BARE:
            if text.startswith(known, at + 1):
                return chr(ENTITIES[known]), at + 1 + len(known)
    return None


def with_references(sources, bare):
    """A stretch of text with its references decoded."""
    text = "".join(source.character for source in sources)
    decoded, at = [], 0
    while at < len(sources):
        found = reference(text, at, bare) if text[at] == "&" else None
        if found:
            character, end = found
            decoded.append(Source(character, sources[at].begin, sources[end - 1].end))
            at = end
        else:
            decoded.append(sources[at])
            at += 1
    return decoded


# ---- tokens -----------------------------------------------------------------------------------


class Tokens:
    """The tokens of a page, after the WHATWG's standard: ("text", from, to), ("start", name, from, to, self-closing),
    ("end", name, from, to), ("comment", from, to)."""

    def __init__(self, text):
        self.text = text
        self.lower = re.sub("[A-Z]+", lambda letters: letters[0].lower(), text)
        self.at = 0

    def find(self, what, at):
        found = self.text.find(what, at)
        return len(self.text) if found < 0 else found

    def tag(self):
        """Past the tag whose < is at self.at: its name and whether it closes itself; None where the page ends first."""
        at = self.at + 1 + self.text.startswith("</", self.at)
        begin, size = at, len(self.text)
        while at < size and self.text[at] not in SPACE + "/>":
            at += 1
        name = self.lower[begin:at]
        state, quote, slash = "before name", "", False
        while at < size:
            c = self.text[at]
            at += 1
            if state == "before name":
                if c == ">":
                    self.at = at
                    return name, slash
                slash = c == "/"
                if c not in SPACE + "/":
                    state = "name"
            elif state == "name":
                if c in SPACE:
                    state = "after name"
                elif c == "=":
                    state = "before value"
                elif c in "/>":
                    state = "before name"
                    at -= 1
            elif state == "after name":
                if c == "=":
                    state = "before value"
                elif c in "/>":
                    state = "before name"
                    at -= 1
                elif c not in SPACE:
                    state = "name"
            elif state == "before value":
                if c in "\"'":
                    state, quote = "quoted", c
                elif c == ">":
                    state = "before name"
                    at -= 1
                elif c not in SPACE:
                    state = "unquoted"
            elif state == "quoted":
                if c == quote:
                    state = "before name"
            elif state == "unquoted":
                if c in SPACE:
                    state = "before name"
                elif c == ">":
                    state, slash = "before name", False
                    at -= 1
        self.at = size
        return None

    def comment(self):
        """Past the comment at self.at."""
        begin = self.at + 4
        for start in (">", "->"):
            if self.text.startswith(start, begin):
                self.at = begin + len(start)
                return
        end = re.compile("--!?>").search(self.text, begin)
        self.at = end.end() if end else len(self.text)

    def raw(self, name):
        """Where the end tag of an element stands in which tags are text."""
        end_tag = re.compile(f"</{name}[\t\n\f\r />]")
        if name != "script":
            found = end_tag.search(self.lower, self.at)
            return found.start() if found else len(self.text)
        depth, at = "data", self.at
        while at < len(self.text):
            if depth == "data":
                if self.text.startswith("<!--", at):
                    depth = "escaped"
                    at += 2
                    continue
                if end_tag.match(self.lower, at):
                    return at
            elif self.text.startswith("-->", at):
                depth = "data"
            elif depth == "escaped":
                if end_tag.match(self.lower, at):
                    return at
                if re.compile("<script[\t\n\f\r />]").match(self.lower, at):
                    depth = "double escaped"
            elif end_tag.match(self.lower, at):
                depth = "escaped"
            at += 1
        return len(self.text)

    def next(self, in_svg):
        """The token at self.at, which is before the end."""
        begin, text = self.at, self.text
        if text[begin] != "<":
            self.at = self.find("<", begin)
            return ("text", begin, self.at)
        if text.startswith("<!--", begin):
            self.comment()
            return ("comment", begin, self.at)
        if in_svg and text.startswith("<![CDATA[", begin):
            end = text.find("]]>", begin + 9)
            self.at = len(text) if end < 0 else end + 3
            return ("comment", begin, self.at)
        if re.compile("<[!?]|</[^A-Za-z]", re.S).match(text, begin):
            self.at = min(self.find(">", begin) + 1, len(text))
            return ("comment", begin, self.at)
        if re.compile("</?[A-Za-z]").match(text, begin):
            kind = "end" if text.startswith("</", begin) else "start"
            found = self.tag()
            if not found:
                return ("comment", begin, self.at)
            return (kind, found[0], begin, self.at, found[1])
        self.at = begin + 1
        return ("less-than", begin, self.at)


# ---- pages ------------------------------------------------------------------------------------


class Page:
    """What a page says: `text` and `title` (None without one), as characters with their places."""

    def __init__(self, data):
        self.sources = decode(data)
        self.tokens = Tokens("".join(source.character for source in self.sources))
        self.text, self.title = [], None
        self.svg = self.template = self.sup = 0
        self.before = None  # the token before
        self.read()

    def shown(self):
        return not self.svg and not self.template

    def separate(self, begin):
        self.sup = 0
        self.text.append(Source(" ", self.sources[begin].begin, self.sources[begin].end))

    def add_text(self, begin, end, references=True):
        if not self.shown():
            return
        sources = self.sources[begin:end]
        if self.sup and "".join(s.character for s in sources).strip(" \t\n\v\f\r").lower() in ("tm", "sm"):
            self.text.append(Source(" ", sources[0].begin, sources[-1].end))
            return
        if references:
            # Digits that are written as references stay what they are.
            was_digit = {source.begin for source in sources if source.character in SUPERSCRIPTS}
            decoded = with_references(sources, True)
            if self.sup:
                decoded = [
                    s._replace(character=SUPERSCRIPTS[s.character])
                    if s.begin in was_digit and s.character in SUPERSCRIPTS
                    else s
                    for s in decoded
                ]
            sources = decoded
        self.text += sources

    def hold(self, name, begin):
        """After a start tag, what an element holds that knows no tags."""
        if name == "plaintext":
            self.add_text(begin, len(self.sources), references=False)
            self.tokens.at = len(self.sources)
        elif name in RAW_TEXT or name in ("title", "textarea"):
            end = self.tokens.raw(name)
            if name == "title" and self.title is None and self.shown():
                self.title = with_references(self.sources[begin:end], True)
            elif name != "title" and name not in HIDDEN:
                self.add_text(begin, end, references=name == "textarea")
            self.tokens.at = end

    def tag(self, kind, name, begin, end, closes_itself):
        step = 1 if kind == "start" else -1
        if name == "svg":
            hidden = not self.shown()
            if not closes_itself:
                self.svg = max(0, self.svg + step)
            if not (hidden and not self.shown()):
                self.separate(begin)
            self.sup = 0
            return
        if self.svg:
            self.sup = 0
            return
        if name == "template":
            self.template = max(0, self.template + step)
        if name == "sup":
            self.sup = max(0, self.sup + step)
        like = self.before and self.before[:2] == ("end", name) and kind == "start" and name in ("a", "span")
        if name not in JOINING or like:
            if self.shown():
                self.separate(begin)
            self.sup = 0
        if kind == "start":
            self.hold(name, end)

    def read(self):
        while self.tokens.at < len(self.sources):
            token = self.tokens.next(self.svg > 0)
            if token[0] == "text":
                self.add_text(*token[1:])
            elif token[0] == "less-than":
                if self.shown():
                    self.separate(token[1])
                self.sup = 0
            elif token[0] in ("start", "end"):
                self.tag(*token)
            self.before = token
