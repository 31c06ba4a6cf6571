"""Draw the graph of rules that stands in the README: ``python docs/draw_graph.py`` (``make graph``).

Snakemake tells which rule follows which; arrows that follow from others are left out, and each rule is drawn once. A folder
other than the repository's may be named, whose settings and clips count; ``--print`` prints the graph and writes nothing.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
FENCE = re.compile(r"```mermaid\nflowchart LR\n.*?```\n", re.DOTALL)
NODE, ARROW = re.compile(r"(id\d+)\[(\w+)\]"), re.compile(r"(id\d+) --> (id\d+)")
LEFT_OUT = ("all",)
Graph = dict[str, set[str]]


def rule_graph(folder: Path) -> Graph:
    """Return for each rule those that use its files directly."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js"]
    text = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    names = dict(NODE.findall(text))
    graph: Graph = {name: set() for name in names.values() if name not in LEFT_OUT}
    for before, after in ARROW.findall(text):
        if names[before] in graph and names[after] in graph:
            graph[names[before]].add(names[after])
    return graph


def reached(graph: Graph, start: str) -> set[str]:
    """Return all rules that follow from a rule, over one arrow or many."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def without_detours(graph: Graph) -> Graph:
    """Return the graph without arrows from a rule to what another of its followers leads to."""
    far = {name: set().union(*(reached(graph, after) for after in followers)) for name, followers in graph.items()}
    return {name: followers - far[name] for name, followers in graph.items()}


def as_mermaid(graph: Graph) -> str:
    """Return the graph as a block of a Markdown file; rules stand in the order of the work, then of their names."""
    depth = {name: -len(reached(graph, name)) for name in graph}
    order = sorted(graph, key=lambda name: (depth[name], name))
    lines = [f"    {name} --> {' & '.join(sorted(after))}" for name in order if (after := graph[name])]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"]) + "\n"


def main(arguments: list[str]) -> None:
    """Write the graph into the README, or print it."""
    folders = [Path(argument) for argument in arguments if argument != "--print"]
    block = as_mermaid(without_detours(rule_graph(folders[0] if folders else ROOT)))
    if "--print" in arguments:
        sys.stdout.write(block)
    else:
        README.write_text(FENCE.sub(lambda _: block, README.read_text(), count=1))


if __name__ == "__main__":
    main(sys.argv[1:])
