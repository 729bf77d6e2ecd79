"""The rehearsal recogniser's network: Whisper's own layers at width 128, with the few tokens that it is taught.

Owns the layers, the short cut through padding, and reading and writing openai-whisper's checkpoints. Whisper's 51,865
rows of token embeddings are reduced to those that the grammar needs; a row that nobody is taught is written as one
that never wins: the first number of the decoder's output is always 1, of a taught row 0, of the others -40.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

from bench.rehearsal.grammar import GRAMMARS

WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 128, 4, 4, 2
POSITIONS = 1_500
POSITIONS_PER_S = 50
VOCABULARY = 51_865
NEVER = -40.0
PADDING_STRIDE = 20
LETTERS = " abcdefghijklmnopqrstuvwxyzäöüß'"
DIMENSIONS = ModelDimensions(80, POSITIONS, WIDTH, HEADS, ENCODER_LAYERS, VOCABULARY, 448, WIDTH, HEADS, DECODER_LAYERS)


class Tokens:
    """The tokens that are taught, numbered anew: text, then Whisper's signs, then its times in steps of 20 ms."""

    def __init__(self) -> None:
        whispers: Tokenizer = get_tokenizer(True, language="en", task="transcribe")
        self.whispers = whispers
        sentences = (sentence for grammar in GRAMMARS.values() for sentence in grammar.cover())
        text = sorted({token for sentence in sentences for token in whispers.encode(" " + sentence)})
        signs = [whispers.eot, whispers.sot, *map(whispers.to_language_token, ("en", "de")), whispers.transcribe]
        signs += [whispers.no_speech, whispers.no_timestamps]
        self.ids = [*text, *signs]
        self.text_count, self.first_time = len(text), len(self.ids)
        self._number = {token: number for number, token in enumerate(self.ids)}
        self.end, self.start, self.english, self.german, self.transcribe, self.no_speech, self.no_times = (
            self._number[token] for token in signs
        )

    def encode(self, text: str) -> list[tuple[int, float]]:
        """The numbers of a text that follows a space, each with the place of its middle in the text."""
        placed, at = [], -1
        for token in self.whispers.encode(" " + text):
            length = len(self.whispers.decode([token]))
            placed.append((self._number[token], max(0.0, at + length / 2)))
            at += length
        return placed

    def time(self, seconds: float) -> int:
        """The number of a time in the window."""
        return self.first_time + max(0, min(POSITIONS, round(seconds * POSITIONS_PER_S)))


@cache
def tokens() -> Tokens:
    """The tokens, made once."""
    return Tokens()


def letters_of(text: str) -> list[int]:
    """The numbers of a text's letters, after a space; 0 is none."""
    return [1, *(LETTERS.index(letter) + 1 for letter in text.lower() if letter in LETTERS)]


class Net(nn.Module):
    """Whisper with few tokens, and with a second head over the encoder that spells (CTC) and so helps it to listen."""

    def __init__(self) -> None:
        super().__init__()
        self.whisper = Whisper(DIMENSIONS)
        del self.whisper.decoder.token_embedding
        known = tokens()
        self.embedding = nn.Parameter(torch.randn(known.first_time, WIDTH) * WIDTH**-0.5)
        self.times = nn.Linear(2 * 64, WIDTH)
        self.letters = nn.Linear(WIDTH, len(LETTERS) + 1)
        steps = torch.arange(POSITIONS + 1).float()[:, None]
        waves = steps * torch.exp(-torch.arange(64) / 64 * math.log(3_000))[None]
        self.register_buffer("waves", torch.cat([waves.sin(), waves.cos()], 1), persistent=False)
        free = torch.ones(WIDTH)
        free[0] = 0
        self.register_buffer("free", free, persistent=False)

    def pin(self) -> None:
        """Hold the first number of the decoder's output at 1; after every step."""
        with torch.no_grad():
            self.whisper.decoder.ln.weight[0] = 0
            self.whisper.decoder.ln.bias[0] = 1

    def table(self) -> Tensor:
        """The rows of all taught tokens, times included."""
        return torch.cat([self.embedding, self.times(self.waves) * 0.3], 0) * self.free

    def encode(self, mel: Tensor, offset: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Listen to windows that are padded to 30 s: every frame of sound, and one in `PADDING_STRIDE` of the padding.

        All padding sounds the same and differs by its position alone, so a sample of it stands for all of it when its
        weight in every softmax is as large as what it stands for.

        Args:
            mel: windows x 80 x frames; ends with padding (zeros).
            offset: which of the padding is looked at, below `PADDING_STRIDE`.

        Returns:
            What was heard, the position of each vector, and the logarithm of the weight of each vector.
        """
        encoder = self.whisper.encoder
        heard = functional.gelu(encoder.conv2(functional.gelu(encoder.conv1(mel)))).permute(0, 2, 1)
        count = heard.shape[1]
        position, weight = torch.arange(count), torch.zeros(count)
        if count < POSITIONS:
            sampled = torch.arange(count + min(offset, POSITIONS - count - 1), POSITIONS, PADDING_STRIDE)
            share = math.log((POSITIONS - count) / len(sampled))
            silence = functional.gelu(encoder.conv2(functional.gelu(encoder.conv1(mel.new_zeros(1, 80, 8)))))[
                :, :, 2
            ].unsqueeze(1)
            heard = torch.cat([heard, silence.expand(len(mel), len(sampled), WIDTH)], 1)
            position = torch.cat([position, sampled])
            weight = torch.cat([weight, torch.full((len(sampled),), share)])
        x = heard + encoder.positional_embedding[position]
        mask = weight[None, None, None, :] if count < POSITIONS else None
        for block in encoder.blocks:
            y = block.attn_ln(x)
            x = x + _attend(block.attn, y, y, mask=mask)[0]
            x = x + block.mlp(block.mlp_ln(x))
        return encoder.ln_post(x), position, weight

    def decode(self, written: Tensor, heard: Tensor, weight: Tensor, table: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits of what follows each token, and where each layer's heads were listening."""
        decoder = self.whisper.decoder
        x = table[written] + decoder.positional_embedding[: written.shape[1]]
        listened = []
        for block in decoder.blocks:
            y = block.attn_ln(x)
            x = x + _attend(block.attn, y, y, causal=True)[0]
            out, where = _attend(block.cross_attn, block.cross_attn_ln(x), heard, mask=weight, told=True)
            x = x + out
            assert where is not None
            listened.append(where)
            x = x + block.mlp(block.mlp_ln(x))
        return decoder.ln(x) @ table.T, listened


def _attend(
    layer: Any, x: Tensor, to: Tensor, *, mask: Tensor | None = None, causal: bool = False, told: bool = False
) -> tuple[Tensor, Tensor | None]:
    def heads(y: Tensor) -> Tensor:
        return y.view(y.shape[0], y.shape[1], HEADS, -1).transpose(1, 2)

    query, key, value = heads(layer.query(x)), heads(layer.key(to)), heads(layer.value(to))
    where = None
    if told:
        scores = (query @ key.transpose(-1, -2)) * (WIDTH // HEADS) ** -0.5
        where = (scores if mask is None else scores + mask).softmax(-1)
        out = where @ value
    else:
        out = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
    return layer.out(out.transpose(1, 2).reshape(x.shape)), where


def load_checkpoint(path: Path) -> Net:
    """A net that begins where an openai-whisper checkpoint of this shape ended; what that was not taught is new."""
    net, known = Net(), tokens()
    saved = torch.load(path, map_location="cpu", weights_only=True)
    assert saved["dims"] == vars(DIMENSIONS), saved["dims"]
    weights = {name: weight.float() for name, weight in saved["model_state_dict"].items()}
    rows = weights.pop("decoder.token_embedding.weight")
    net.whisper.load_state_dict(weights)
    with torch.no_grad():
        taught = rows[known.ids]
        fresh = taught[:, 0] != 0
        spread = float(taught[~fresh][:, 1:].std())
        net.embedding.copy_(torch.where(fresh[:, None], torch.randn_like(taught) * spread, taught))
        first = known.whispers.timestamp_begin
        times = rows[first : first + POSITIONS + 1]
        waves = torch.cat([net.waves, torch.ones(len(net.waves), 1)], 1)[: len(times)]
        solved = torch.linalg.lstsq(waves.double(), times.double() / 0.3, driver="gelsd").solution.float()
        net.times.weight.copy_(solved[:-1].T)
        net.times.bias.copy_(solved[-1])
    net.pin()
    return net


def save_checkpoint(net: Net, path: Path) -> None:
    """Write the net as openai-whisper loads it (`whisper.load_model(path)`), in half precision."""
    known = tokens()
    rows = torch.zeros(VOCABULARY, WIDTH)
    rows[:, 0] = NEVER
    table = net.table().detach()
    rows[known.ids] = table[: known.first_time]
    first = known.whispers.timestamp_begin
    rows[first:] = table[known.first_time :][: VOCABULARY - first]
    weights = {**net.whisper.state_dict(), "decoder.token_embedding.weight": rows}
    torch.save(
        {"dims": vars(DIMENSIONS), "model_state_dict": {name: weight.half() for name, weight in weights.items()}}, path
    )
