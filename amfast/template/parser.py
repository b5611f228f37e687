"""From the text of a template to its trees (Go's text/template, parse/parse.go)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final, NoReturn

from . import nodes
from .errors import TemplateError
from .lexer import Token, Word, tokens
from .nodes import Listing, Node, Pipe, Tree
from .numbers import character, number
from .quoting import quote, unquote

SOURCE_MAX: Final = 1_000_000
"""Characters of one source."""
NODES_MAX: Final = 20_000
"""Nodes of one source; a node is a word or more."""
PARENTHESES_MAX: Final = 50
"""Pipelines in parentheses in each other."""
NESTING_MAX: Final = 50
"""Controls in each other."""
RANGES_MAX: Final = 15
"""Loops in each other, in one definition."""
CHAIN_MAX: Final = 100
"""Branches of one ``if``."""

_OPERANDS: Final = frozenset(
    {
        Word.BOOL, Word.CHARACTER, Word.COMPLEX, Word.DOT, Word.FIELD, Word.IDENTIFIER, Word.NUMBER, Word.NIL,
        Word.RAW_STRING, Word.STRING, Word.VARIABLE, Word.LEFT_PAREN,
    }
)  # fmt: skip
_SPACES: Final = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_CONTROLS: Final = {Word.IF: nodes.If, Word.WITH: nodes.With, Word.RANGE: nodes.Range}


def parse(name: str, text: str, functions: Container[str]) -> dict[str, Tree]:
    """The templates of a source by name: what it defines, and last itself as ``name``.

    Only ``functions`` may be called. Raises TemplateError.
    """
    if len(text) > SOURCE_MAX:
        raise TemplateError(f"template: {name}: longer than {SOURCE_MAX} characters")
    try:
        return _Parser(name, text, functions).run()
    except RecursionError:
        raise TemplateError(f"template: {name}: nested too deeply") from None


def is_empty(listing: Listing) -> bool:
    """Whether there is nothing in it but space; such a template does not replace another one."""
    return all(isinstance(node, nodes.Text) and not node.text.strip(_SPACES) for node in listing.nodes)


@dataclass(slots=True)
class _Place:
    """What holds inside one definition."""

    variables: list[str] = field(default_factory=lambda: ["$"])
    ranges: int = 0
    parentheses: int = 0
    action_line: int = 0


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        self._name = name
        self._source = text
        self._functions = functions
        self._tokens = tokens(text)
        self._seen: list[Token] = []
        """Tokens that were taken and may be put back, then those that were looked at."""
        self._at = 0
        """Where in ``_seen`` the next token is."""
        self._place = _Place()
        self._trees: dict[str, Tree] = {}
        self._depth = 0
        self._nodes = 0

    def run(self) -> dict[str, Tree]:
        root = Listing()
        while True:
            token = self._peek()
            if token.word is Word.EOF:
                break
            if token.word is Word.LEFT:
                self._next()
                if self._next_word().word is Word.DEFINE:
                    self._definition()
                    continue
                self._back_to(token)
            found = self._text_or_action()
            if isinstance(found, Token):
                self._fail(f"unexpected {_shown(found)}")
            root.nodes.append(found)
        self._add(self._name, root)
        return self._trees

    # Tokens.

    def _peek(self) -> Token:
        if self._at == len(self._seen):
            last = self._seen[-1] if self._seen else None
            self._seen.append(next(self._tokens, last) or Token(Word.EOF, 0, "", 1))
        return self._seen[self._at]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _peek_word(self) -> Token:
        """The next token that is no space; spaces before it are gone."""
        token = self._next_word()
        self._at -= 1
        return token

    def _next_word(self) -> Token:
        token = self._next()
        while token.word is Word.SPACE:
            token = self._next()
        return token

    def _back_to(self, token: Token) -> None:
        while self._seen[self._at - 1] is not token:
            self._at -= 1
        self._at -= 1

    def _expect(self, context: str, *words: Word) -> Token:
        token = self._next_word()
        if token.word not in words:
            self._unexpected(token, context)
        return token

    # Errors.

    def _fail(self, message: str) -> NoReturn:
        line = self._seen[-1].line if self._seen else 0
        raise TemplateError(f"template: {self._name}:{line}: {message}")

    def _unexpected(self, token: Token, context: str) -> NoReturn:
        if token.word is not Word.ERROR:
            self._fail(f"unexpected {token} in {context}")
        started = ""
        if self._place.action_line not in (0, token.line):
            what = "" if token.text.endswith(" action") else " in action"
            started = f"{what} started at {self._name}:{self._place.action_line}"
        self._fail(f"{token.text}{started}")

    def _meant(self, quoted: str) -> str:
        try:
            return unquote(quoted)
        except ValueError as error:
            self._fail(str(error))

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            self._fail(f"more than {NODES_MAX} words")

    # Definitions.

    def _add(self, name: str, root: Listing) -> None:
        old = self._trees.get(name)
        if old is None or is_empty(old.root):
            self._trees[name] = Tree(name, self._name, self._source, root)
        elif not is_empty(root):
            self._fail(f"template: multiple definition of template {quote(name)}")

    def _definition(self) -> None:
        outer, self._place = self._place, _Place()
        token = self._expect("define clause", Word.STRING, Word.RAW_STRING)
        name = self._meant(token.text)
        self._expect("define clause", Word.RIGHT)
        self._body_of_definition(name, "define clause")
        self._place = outer

    def _body_of_definition(self, name: str, context: str) -> None:
        body, end = self._list()
        if end.word is not Word.END:
            self._fail(f"unexpected {_shown(end)} in {context}")
        self._add(name, body)

    # Lists and actions.

    def _list(self) -> tuple[Listing, Token]:
        """What stands up to ``end`` or ``else``, and that token."""
        found = Listing()
        while self._peek_word().word is not Word.EOF:
            node = self._text_or_action()
            if isinstance(node, Token):
                return found, node
            found.nodes.append(node)
        return self._fail("unexpected EOF")

    def _text_or_action(self) -> Node | Token:
        """A node, or the ``end`` or ``else`` that is there instead."""
        self._count()
        token = self._next_word()
        if token.word is Word.TEXT:
            return nodes.Text(token.position, token.text)
        if token.word is not Word.LEFT:
            self._unexpected(token, "input")
        self._place.action_line = token.line
        node = self._action()
        self._place.action_line = 0
        return node

    def _action(self) -> Node | Token:  # noqa: PLR0911 - a case for each kind of action
        token = self._next_word()
        if token.word in _CONTROLS:
            return self._control(token.word)
        match token.word:
            case Word.BLOCK:
                return self._block()
            case Word.BREAK | Word.CONTINUE:
                return self._jump(token)
            case Word.ELSE:
                if self._peek_word().word not in (Word.IF, Word.WITH):
                    self._expect("else", Word.RIGHT)
                return token
            case Word.END:
                self._expect("end", Word.RIGHT)
                return token
            case Word.TEMPLATE:
                return self._call()
        self._at -= 1
        return nodes.Action(token.position, self._pipeline("command", Word.RIGHT))

    def _jump(self, token: Token) -> Node:
        written = f"{{{{{token.text}}}}}"
        self._expect(written, Word.RIGHT)
        if not self._place.ranges:
            self._fail(f"{written} outside {{{{range}}}}")
        return (nodes.Break if token.word is Word.BREAK else nodes.Continue)(token.position)

    def _control(self, word: Word) -> Node:
        """One with all its ``else if`` branches, which are a tree in its ``else``."""
        known = len(self._place.variables)
        self._depth += 1
        if self._depth > NESTING_MAX:
            self._fail(f"more than {NESTING_MAX} controls in each other")
        branches = [self._branch(word)]
        otherwise: Listing | None = None
        while branches[-1][2].word is Word.ELSE:
            if word is not Word.RANGE and self._peek().word is word:
                self._next()
                branches.append(self._branch(word))
                if len(branches) > CHAIN_MAX:
                    self._fail(f"more than {CHAIN_MAX} branches")
                continue
            otherwise, end = self._list()
            if end.word is not Word.END:
                self._fail(f"expected end; found {_shown(end)}")
            break
        self._depth -= 1
        del self._place.variables[known:]
        while True:
            pipe, body, _ = branches.pop()
            node = _CONTROLS[word](pipe.position, pipe, body, otherwise)
            if not branches:
                return node
            otherwise = Listing([node])

    def _branch(self, word: Word) -> tuple[Pipe, Listing, Token]:
        """A condition, what follows it, and the token that ends that."""
        pipe = self._pipeline(word.value, Word.RIGHT)
        in_range = word is Word.RANGE
        self._place.ranges += in_range
        if self._place.ranges > RANGES_MAX:
            self._fail(f"more than {RANGES_MAX} ranges in each other")
        body, end = self._list()
        self._place.ranges -= in_range
        return pipe, body, end

    def _block(self) -> Node:
        token = self._next_word()
        name = self._template_name(token, "block clause")
        pipe = self._pipeline("block clause", Word.RIGHT)
        outer, self._place = self._place, _Place()
        self._depth += 1
        if self._depth > NESTING_MAX:
            self._fail(f"more than {NESTING_MAX} controls in each other")
        self._body_of_definition(name, "block clause")
        self._depth -= 1
        self._place = outer
        return nodes.Call(token.position, quote(name), name, pipe)

    def _call(self) -> Node:
        token = self._next_word()
        name = self._template_name(token, "template clause")
        pipe = None
        if self._next_word().word is not Word.RIGHT:
            self._at -= 1
            pipe = self._pipeline("template clause", Word.RIGHT)
        return nodes.Call(token.position, quote(name), name, pipe)

    def _template_name(self, token: Token, context: str) -> str:
        if token.word not in (Word.STRING, Word.RAW_STRING):
            self._unexpected(token, context)
        return self._meant(token.text)

    # Pipelines.

    def _pipeline(self, context: str, end: Word) -> Pipe:
        if end is Word.RIGHT:
            del self._seen[: self._at]
            self._at = 0
        pipe = Pipe(self._peek_word().position, False, [], [])
        self._declarations(pipe, context)
        while True:
            token = self._next_word()
            if token.word is end:
                break
            if token.word not in _OPERANDS:
                self._unexpected(token, context)
            self._at -= 1
            pipe.commands.append(self._command())
        if not pipe.commands:
            self._fail(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(
                command.arguments[0], nodes.Bool | nodes.Dot | nodes.Nil | nodes.Number | nodes.String
            ):
                self._fail(f"non executable command in pipeline stage {stage}")
        return pipe

    def _declarations(self, pipe: Pipe, context: str) -> None:
        while (token := self._peek_word()).word is Word.VARIABLE:
            self._next()
            following = self._peek_word()
            is_first_of_two = following.word is Word.CHAR and following.text == ","
            if following.word not in (Word.ASSIGN, Word.DECLARE) and not is_first_of_two:
                self._back_to(token)
                return
            self._next()
            pipe.variables.append(nodes.Variable(token.position, [token.text]))
            self._place.variables.append(token.text)
            if not is_first_of_two:
                pipe.assigns = following.word is Word.ASSIGN
                return
            if context != "range" or len(pipe.variables) > 1:
                self._fail(f"too many declarations in {context}")
            if self._peek_word().word not in (Word.VARIABLE, Word.RIGHT, Word.RIGHT_PAREN):
                self._fail("range can only initialize variables")

    def _command(self) -> nodes.Command:
        command = nodes.Command(self._peek_word().position, [])
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                command.arguments.append(operand)
            token = self._next()
            if token.word is Word.SPACE:
                continue
            if token.word in (Word.RIGHT, Word.RIGHT_PAREN):
                self._at -= 1
            elif token.word is not Word.PIPE:
                self._unexpected(token, "operand")
            break
        if not command.arguments:
            self._fail("empty command")
        return command

    def _operand(self) -> Node | None:
        node = self._term()
        following = self._peek()
        if node is None or following.word is not Word.FIELD:
            return node
        names: list[str] = []
        while self._peek().word is Word.FIELD:
            self._count()
            names.append(self._next().text[1:])
        match node:
            case nodes.Field(names=before):
                return nodes.Field(following.position, before + names)
            case nodes.Variable(names=before):
                return nodes.Variable(following.position, before + names)
            case nodes.Bool() | nodes.String() | nodes.Number() | nodes.Nil() | nodes.Dot():
                self._fail(f"unexpected . after term {quote(str(node))}")
        return nodes.Chain(following.position, node, names)

    def _term(self) -> Node | None:  # noqa: C901, PLR0911 - a case for each kind of word
        self._count()
        word, position, text, _ = token = self._next_word()
        match word:
            case Word.IDENTIFIER:
                if text not in self._functions:
                    self._fail(f"function {quote(text)} not defined")
                return nodes.Identifier(position, text)
            case Word.DOT:
                return nodes.Dot(position)
            case Word.NIL:
                return nodes.Nil(position)
            case Word.VARIABLE:
                if text not in self._place.variables:
                    self._fail(f"undefined variable {quote(text)}")
                return nodes.Variable(position, [text])
            case Word.FIELD:
                return nodes.Field(position, [text[1:]])
            case Word.BOOL:
                return nodes.Bool(position, text == "true")
            case Word.CHARACTER | Word.COMPLEX | Word.NUMBER:
                return self._constant(token)
            case Word.LEFT_PAREN:
                return self._parenthesised()
            case Word.STRING | Word.RAW_STRING:
                return nodes.String(position, text, self._meant(text))
        self._at -= 1
        return None

    def _constant(self, token: Token) -> Node:
        try:
            read = character if token.word is Word.CHARACTER else number
            return read(token.position, token.text)
        except ValueError as error:
            self._fail(str(error))

    def _parenthesised(self) -> Node:
        if self._place.parentheses >= PARENTHESES_MAX:
            self._fail("max expression depth exceeded")
        self._place.parentheses += 1
        pipe = self._pipeline("parenthesized pipeline", Word.RIGHT_PAREN)
        self._place.parentheses -= 1
        return pipe


def _shown(token: Token) -> str:
    return f"{{{{{token.text}}}}}"
