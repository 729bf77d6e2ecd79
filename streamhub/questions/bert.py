"""A sentence encoder of the BERT family, read from its folder and computed with numpy alone.

Owns the forward pass (https://arxiv.org/abs/1810.04805, figure 1; mean pooling as in https://arxiv.org/abs/1908.10084).
The folder is what such models are published as: ``config.json``, ``model.safetensors``, ``tokenizer.json``. No model
comes with streamhub and none is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from streamhub.errors import BadInput, ToolMissing

Floats = npt.NDArray[np.float32]
MAX_TOKENS = 128
BATCH = 16


class BertEncoder:
    """One model.

    Args:
        folder: the model's folder.
        languages: the languages that it was made for.

    Raises:
        ToolMissing: the packages of the extra ``encoder`` are not installed.
        BadInput: the folder holds no such model.
    """

    def __init__(self, folder: Path, languages: frozenset[str]) -> None:
        self._languages = languages
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ToolMissing(
                f"questions.encoder: {error.name} is not installed",
                hint="install streamhub[encoder], or leave it empty",
            ) from error
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            weights = load_file(folder / "model.safetensors")
            self._heads, self._layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
            self._epsilon = float(config.get("layer_norm_eps", 1e-12))
        except Exception as error:
            hint = "name a folder with config.json, model.safetensors and tokenizer.json of a BERT model"
            raise BadInput(f"questions.encoder: {folder} cannot be read ({error})", hint=hint) from error
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            kind = f"{config.get('model_type')} with {config.get('hidden_act')}"
            raise BadInput(f"questions.encoder: {folder} is {kind}", hint="use a model of type bert with gelu")
        self._weights = {name.removeprefix("bert."): array.astype(np.float32) for name, array in weights.items()}
        missing = self._missing()
        if missing:
            raise BadInput(f"questions.encoder: {folder} lacks {missing}", hint="the file may be cut off; copy it anew")
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(MAX_TOKENS, int(config["max_position_embeddings"])))

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it was made for."""
        return self._languages

    def encode(self, texts: Sequence[str]) -> Floats:
        """One row of length 1 per text; texts of like length are computed together."""
        tokens = [found.ids for found in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
        vectors = np.zeros((len(tokens), len(self._weights["embeddings.LayerNorm.weight"])), dtype=np.float32)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors[batch] = self._forward([tokens[at] for at in batch])
        return vectors

    def _missing(self) -> str:
        names = ["embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"]
        names += ["embeddings.token_type_embeddings.weight"]
        for layer in range(self._layers):
            parts = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
            for part in (*parts, "intermediate.dense", "output.dense"):
                names += [f"encoder.layer.{layer}.{part}.weight", f"encoder.layer.{layer}.{part}.bias"]
        return next((name for name in names if name not in self._weights), "")

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Floats:
        length = max(map(len, tokens))
        ids = np.zeros((len(tokens), length), dtype=np.int64)
        mask = np.zeros((len(tokens), length), dtype=np.float32)
        for at, one in enumerate(tokens):
            ids[at, : len(one)], mask[at, : len(one)] = one, 1
        weights = self._weights
        states = weights["embeddings.word_embeddings.weight"][ids]
        states = states + weights["embeddings.position_embeddings.weight"][:length]
        states = self._normalise(states + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        hidden = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(self._layers):
            states = self._layer(f"encoder.layer.{layer}", states, hidden)
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        unit: Floats = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        return unit

    def _layer(self, name: str, states: Floats, hidden: Floats) -> Floats:
        attended = self._linear(self._attend(name, states, hidden), f"{name}.attention.output.dense")
        states = self._normalise(states + attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(states, f"{name}.intermediate.dense"))
        return self._normalise(states + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attend(self, name: str, states: Floats, hidden: Floats) -> Floats:
        batch, length, width = states.shape

        def heads(part: str) -> Floats:
            projected = self._linear(states, f"{name}.attention.self.{part}")
            return projected.reshape(batch, length, self._heads, -1).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.float32(np.sqrt(width / self._heads)) + hidden
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ heads("value")
        found: Floats = mixed.transpose(0, 2, 1, 3).reshape(batch, length, width)
        return found

    def _linear(self, states: Floats, name: str) -> Floats:
        weight = self._weights[f"{name}.weight"]
        flat = states.reshape(-1, states.shape[-1]) @ weight.T + self._weights[f"{name}.bias"]
        found: Floats = flat.reshape(*states.shape[:-1], weight.shape[0])
        return found

    def _normalise(self, states: Floats, name: str) -> Floats:
        centred = states - states.mean(-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(self._epsilon))
        found: Floats = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return found


def _gelu(x: Floats) -> Floats:
    """The Gaussian error linear unit; erf by Abramowitz and Stegun 7.1.26, right to 1.5e-7."""
    z = np.abs(x) * np.float32(1 / np.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    found: Floats = (x * np.float32(0.5) * (1 + erf)).astype(np.float32)
    return found
