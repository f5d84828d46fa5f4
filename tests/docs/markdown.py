"""What a page asks a reader to do: its fenced blocks, and the notes to the test, in their order.

The conventions, which a reader sees no more of than the fences:

```sh       commands; each of them must succeed
```console  `$ COMMAND`, and below it all that it prints. `...` within a line stands for anything, alone on a line for
            any number of lines; a line may be broken and spaced as the page likes. A command that prints nothing must
            succeed. A command goes on on the next line after a `\\` or a `|`
```cfg      a policy: the text of the file that the paragraph above the block names last, as `NAME.cfg`
```text     anything else, but no commands

<!-- test: WORDS --> is something that happens around the reader, see world.py.
"""
import dataclasses
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?P<indent> *)```(?P<kind>.*)")
NOTE = re.compile(r"\s*<!-- test: (?P<words>.*) -->\s*")
NAMED = re.compile(r"`([^`\s]+\.cfg)`")
# How a line begins that somebody is meant to type.
TYPED = re.compile(r"\s*(\$ |# (?=\w+ -)|(sudo|export|cd|cat|cmake|curl|make|openssl|docker|tlsgraft(-\w+)?)( |$)"
                   r"|(TLSGRAFT|LD)_\w+=|(\./)?scripts/[\w-]+( -|$))")


class PageError(Exception):
    """A page that does not keep to the conventions."""


@dataclasses.dataclass
class Block:
    kind: str  # of the fence; "test" for a note
    line: int  # where its text begins
    text: str
    file: str = None  # of a cfg block


@dataclasses.dataclass
class Command:
    line: int
    text: str
    output: str


def pages():
    """The paths of all, from the top of the tree."""
    found = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").rglob("*.md"))]
    return [str(path.relative_to(TOP)) for path in found]


def blocks_of(page):
    """The blocks of a page's text."""
    lines = page.split("\n")
    paragraph = ""  # the last one
    in_paragraph = False
    found = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = FENCE.fullmatch(line)
        note = NOTE.fullmatch(line)
        if note:
            found.append(Block("test", number, note["words"]))
        elif fence:
            end = end_of_fence(lines, number, fence["indent"])
            found.append(block_of(fence, number + 1, lines[number:end], paragraph))
            number = end + 1
        elif "```" in line or "~~~" in line:
            raise PageError(f"line {number}: a fence that stands in a line of text")
        elif re.match(r" {4,}\S|\t", line) and not lines[number - 2].strip():
            raise PageError(f"line {number}: an indented block; write a fenced one, so that it is executed")
        elif line.strip():
            paragraph = f"{paragraph}\n{line}" if in_paragraph else line
        in_paragraph = bool(line.strip()) and not note and not fence
    return found


def end_of_fence(lines, start, indent):
    for number in range(start, len(lines)):
        if lines[number].rstrip() == indent + "```":
            return number
    raise PageError(f"line {start}: the block has no end")


def block_of(fence, line, lines, paragraph):
    kind, indent = fence["kind"].strip(), len(fence["indent"])
    text = "".join(row[indent:] + "\n" for row in lines)
    if kind == "cfg":
        names = NAMED.findall(paragraph)
        if not names:
            raise PageError(f"line {line}: a cfg block, and the paragraph above it names no file, `NAME.cfg`")
        return Block(kind, line, text, names[-1])
    if kind == "text":
        for offset, row in enumerate(lines):
            if TYPED.match(row):
                raise PageError(f"line {line + offset}: a command in a text block; use sh or console")
    elif kind not in ("sh", "console"):
        raise PageError(f"line {line - 1}: a fence for '{kind}'; known are sh, console, cfg and text")
    return Block(kind, line, text)


def commands_of(block):
    """The commands of a console block, each with its expected output."""
    commands = []
    continued = False
    for offset, row in enumerate(block.text.splitlines()):
        if row.startswith("$ "):
            commands.append(Command(block.line + offset, row[2:] + "\n", ""))
        elif not commands:
            raise PageError(f"line {block.line}: a console block begins with a command, '$ COMMAND'")
        elif continued:
            commands[-1].text += row + "\n"
        else:
            commands[-1].output += row + "\n"
            continue
        continued = row.endswith(("\\", "|"))
    return commands


def matches(expected, printed):
    """Is that what the page says a command prints?"""
    pattern = ""
    for line in expected.strip().split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
            continue
        parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in spaced(line)]
        pattern += r"[^\n]*".join(parts) + r"\s+"
    return re.fullmatch(r"\s*" + pattern, printed.rstrip("\n") + "\n") is not None


def spaced(line):
    """The parts of a line between `...`; where there was a space beside one there may be any text."""
    return line.strip().split("...")
