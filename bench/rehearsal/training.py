"""Training the rehearsal recogniser: one pass over a curriculum, seeded, stopped and resumed at will.

Owns the loss, the curriculum and the state on disk. Every step's windows follow from the seed and the step's number,
so a training that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.rehearsal.net import POSITIONS_PER_S, Net, load_checkpoint, tokens
from bench.rehearsal.speech import load_shard
from bench.rehearsal.windows import Batch, Mixer, Pool

_TELL_ROUNDS = 5
_WATCH_ROUNDS = 30
_NEAR_TIMES = 8  # a time that is off by so many steps of 20 ms is still a little right


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How a training goes.

    Attributes:
        rounds: all of them; the rate rises and falls over them once.
        rate: of learning, at its height.
        batches: about so many steps in a round.
        batch_s: seconds of sound in a step.
        whole_from: after this share of the rounds, windows of 30 s as plain Whisper takes them come as well.
    """

    rounds: int
    rate: float = 2e-3
    batches: int = 6
    batch_s: float = 60.0
    whole_from: float = 0.7
    seed: int = 1

    def rate_at(self, done: float) -> float:
        """A short rise, then half a cosine."""
        return self.rate * min(1.0, 0.02 + done / 0.04, 0.01 + 0.5 * (1 + math.cos(math.pi * min(1.0, done))))

    def batches_at(self, number: int, mixer: Mixer) -> list[Batch]:
        """What a round listens to: first some seconds in quiet rooms, at last whole windows in loud ones as well."""
        mixer.chance.seed(f"{self.seed} {number}")
        done = number / self.rounds
        roughness = min(0.6, 0.2 + 0.8 * done)
        longest_s = 6.0 + 3.0 * min(1.0, 2 * done)
        batches = mixer.batches(self.batches, self.batch_s, (3.0, longest_s), roughness)
        if done > 0.3 and number % 5 == 0:
            batches += mixer.batches(1, self.batch_s, (longest_s, 18.0), roughness)
        if done > self.whole_from and number % 2 == 0:
            batches.append(mixer.whole_batch(2, roughness))
        return batches


@dataclass(frozen=True, kw_only=True, slots=True)
class Losses:
    """What is wrong with one batch.

    Attributes:
        written: of what was to be written, per token.
        letters: of the second head.
        listening: of listening elsewhere than where the token was said.
        right: share of text tokens that were right, given those before.
        in_time: share of times that were within 0.2 s.
    """

    written: Tensor
    letters: Tensor
    listening: Tensor
    right: float
    in_time: float

    def total(self) -> Tensor:
        """What is made smaller."""
        return self.written + 0.4 * self.letters + 0.3 * self.listening


def losses_of(net: Net, batch: Batch, offset: int) -> Losses:
    """Listen, write, compare."""
    first_time = tokens().first_time
    table = net.table()
    heard, position, weight = net.encode(batch.mel, offset)
    logits, listened = net.decode(batch.written, heard, weight, table)
    asked = batch.wanted >= 0
    wanted, logs = batch.wanted[asked], logits[asked].log_softmax(-1)
    is_time = wanted >= first_time
    written = -logs[~is_time].gather(1, wanted[~is_time, None]).sum()
    if is_time.any():
        near = torch.arange(-_NEAR_TIMES, _NEAR_TIMES + 1)
        share = torch.exp(-(near.float() ** 2) / 18)
        around = (wanted[is_time, None] + near).clamp(first_time, logits.shape[-1] - 1)
        written = written - 1.5 * (logs[is_time].gather(1, around) * share / share.sum()).sum()
    guessed = logs.argmax(-1)
    return Losses(
        written=written / len(wanted),
        letters=_spelling_loss(net, heard[:, : batch.mel.shape[2] // 2], batch),
        listening=_listening_loss(listened, position / POSITIONS_PER_S, batch),
        right=(guessed == wanted)[~is_time].float().mean().item(),
        in_time=((guessed - wanted).abs() <= 10)[is_time].float().mean().item(),
    )


def _spelling_loss(net: Net, heard: Tensor, batch: Batch) -> Tensor:
    if not any(batch.letters):
        return heard.new_zeros(())
    logs = net.letters(heard).log_softmax(-1).transpose(0, 1)
    lengths = torch.tensor([len(letters) for letters in batch.letters])
    wanted = torch.tensor([letter for letters in batch.letters for letter in letters])
    frames = torch.full((len(lengths),), heard.shape[1])
    loss: Tensor = functional.ctc_loss(logs, wanted, frames, lengths, blank=0, zero_infinity=True)
    return loss


def _listening_loss(listened: list[Tensor], at_s: Tensor, batch: Batch) -> Tensor:
    """Half of each layer's heads are to listen where the token is said: word times are read off them."""
    asked = (batch.heard_s >= 0) & (batch.wanted >= 0)
    reach_s = torch.where(batch.wanted >= tokens().first_time, 0.2, 0.4)[..., None]
    near = ((at_s[None, None] - batch.heard_s[..., None]).abs() < reach_s).float()
    lost = [-(torch.log((where[:, :2].mean(1) * near).sum(-1) + 1e-4) * asked).sum() for where in listened]
    return torch.stack(lost).mean() / asked.sum().clamp(min=1)


def load_pools(folder: Path, kind: str) -> dict[str, Pool]:
    """The spoken sentences of each language; kind is `taught` or `held`."""
    spoken = [pair for path in sorted(folder.glob(f"{kind}_*.npy")) for pair in load_shard(path)]
    return {language: [pair for pair in spoken if pair[0].language == language] for language in ("en", "de")}


def train(course: Course, *, speech: Path, start: Path, state: Path) -> Net:
    """Train from a checkpoint, or go on from the state where there is one; the state is saved as it goes."""
    torch.manual_seed(course.seed)
    net = load_checkpoint(start)
    optimiser = torch.optim.AdamW(net.parameters(), lr=course.rate, betas=(0.9, 0.98), weight_decay=0.01)
    first = 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["round"]
    mixer = Mixer(load_pools(speech, "taught"), Random(course.seed))
    watched = Mixer(load_pools(speech, "held"), Random(0)).batches(3, 60.0, (3.0, 9.0), 1.0)
    print(f"from round {first} of {course.rounds}; {sum(p.numel() for p in net.parameters())} numbers", flush=True)
    began, told = time.monotonic(), []
    for number in range(first, course.rounds):
        batches = course.batches_at(number, mixer)
        for at, batch in enumerate(batches):
            told.append(_step(net, optimiser, batch, course.rate_at((number + at / len(batches)) / course.rounds), at))
        _save(net, optimiser, number + 1, state)
        if (number + 1) % _TELL_ROUNDS == 0:
            _tell(f"round {number + 1}", told, time.monotonic() - began)
            told = []
        if (number + 1) % _WATCH_ROUNDS == 0:
            with torch.no_grad():
                _tell("held out", [losses_of(net, batch, 0) for batch in watched], time.monotonic() - began)
    return net


def _step(net: Net, optimiser: torch.optim.Optimizer, batch: Batch, rate: float, offset: int) -> Losses:
    for group in optimiser.param_groups:
        group["lr"] = rate
    losses = losses_of(net, batch, offset)
    optimiser.zero_grad()
    losses.total().backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    net.pin()
    return losses


def _save(net: Net, optimiser: torch.optim.Optimizer, rounds: int, state: Path) -> None:
    draft = state.with_suffix(".tmp")
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "round": rounds}, draft)
    draft.replace(state)


def _tell(what: str, losses: list[Losses], seconds: float) -> None:
    def mean(name: str) -> float:
        numbers = [float(torch.as_tensor(getattr(loss, name)).detach()) for loss in losses]
        numbers = [number for number in numbers if not math.isnan(number)]
        return sum(numbers) / max(1, len(numbers))

    names = ("written", "letters", "listening", "right", "in_time")
    print(f"{what}: {seconds:.0f} s, " + ", ".join(f"{name} {mean(name):.3f}" for name in names), flush=True)
