"""Make the rehearsal recogniser: speak its sentences, train it, convert it, measure it.

Owns the command line. Each step keeps what is there and goes on from it, so any of them may be stopped and started
again; the same seed and the same espeak-ng give the same speech, and the same windows in every step of training.

    python -m bench.rehearsal speak   --folder F            # 30,000 sentences and 1,000 held out, about 2.5 GB
    python -m bench.rehearsal train   --folder F            # from the checkpoint that is in the product
    python -m bench.rehearsal export  --folder F            # F/rehearsal.pt, F/ct2-int8/, F/grammar.json
    python -m bench.rehearsal score   --folder F            # word error rates through the product's own path
    python -m bench.rehearsal score   --folder F --model streamhub/transcript/rehearsal/ct2-int8

Needs openai-whisper with torch, and Debian's `espeak-ng`. What was reached stands in `bench/rehearsal.md`.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from streamhub.transcript.models import REHEARSAL_FOLDER

# Two threads that wait for each other must not burn what other programs could use.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def speak(arguments: argparse.Namespace) -> None:
    """Speak all sentences."""
    from bench.rehearsal.speech import speak_all

    speak_all(arguments.folder / "speech", arguments.shards)


def train(arguments: argparse.Namespace) -> None:
    """Train, from a checkpoint or from where a training was stopped."""
    import torch

    from bench.rehearsal.training import Course, train

    torch.set_num_threads(arguments.threads)
    course = Course(rounds=arguments.rounds, whole_from=arguments.whole_from, seed=arguments.seed)
    train(course, speech=arguments.folder / "speech", start=arguments.start, state=arguments.folder / "training.pt")


def export(arguments: argparse.Namespace) -> None:
    """Write the trained model for both engines, and the grammar that it knows."""
    import torch

    from bench.rehearsal.convert import convert
    from bench.rehearsal.grammar import write_grammar
    from bench.rehearsal.net import Net, save_checkpoint

    net, saved = Net(), torch.load(arguments.folder / "training.pt", weights_only=True)
    net.load_state_dict(saved["net"])
    print(f"round {saved['round']}")
    save_checkpoint(net, arguments.folder / "rehearsal.pt")
    convert(arguments.folder / "rehearsal.pt", arguments.folder / "ct2-int8")
    write_grammar(arguments.folder / "grammar.json")


def score(arguments: argparse.Namespace) -> None:
    """Measure word error rates, of our own sounds and of round tables given as paths of their sound."""
    from bench.rehearsal.scoring import materials, score

    found = {f"{path.parent.name} {path.stem}": path for path in arguments.table}
    if not arguments.only:
        found = materials(arguments.folder / "scored") | found
    score(arguments.model or arguments.folder / "ct2-int8", found, threads=arguments.threads)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="Make and measure the rehearsal recogniser.")
    commands = parser.add_subparsers(required=True)
    for work in (speak, train, export, score):
        command = commands.add_parser(work.__name__, help=work.__doc__)
        command.set_defaults(work=work)
        command.add_argument("--folder", type=Path, required=True, help="where everything lies")
        if work is speak:
            command.add_argument("--shards", type=int, default=30, help="of a thousand sentences each")
        if work is train:
            command.add_argument("--rounds", type=int, default=520, help="of about six steps each")
            command.add_argument("--whole-from", type=float, default=0.7, help="share of the rounds; 1 for never")
            command.add_argument("--seed", type=int, default=1)
            command.add_argument("--start", type=Path, default=REHEARSAL_FOLDER / "rehearsal.pt")
        if work in (train, score):
            command.add_argument("--threads", type=int, default=2)
        if work is score:
            command.add_argument("--model", type=Path, help="a CTranslate2 folder; the exported one where absent")
            command.add_argument("--only", action="store_true", help="the round tables that are given, nothing else")
            command.add_argument("table", type=Path, nargs="*", help="sound of a round table, its truth beside it")
    arguments = parser.parse_args()
    arguments.work(arguments)


if __name__ == "__main__":
    main()
