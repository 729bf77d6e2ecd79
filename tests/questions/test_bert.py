"""The forward pass equals one that is written down plainly in double precision, on a small model made here."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from streamhub.errors import BadInput
from streamhub.questions.bert import BertEncoder

pytest.importorskip("tokenizers")
safetensors = pytest.importorskip("safetensors.numpy")

WIDTH, HEADS, LAYERS, INNER, TOKENS = 16, 4, 2, 32, 32
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "wie", "was", "kostet", "lange", "router", "umzug", "how", "long"]
WORDS += ["card", "is", "my", "the"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of random weights with a vocabulary of a few words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    lot = np.random.default_rng(5)
    weights: dict[str, np.ndarray] = {}

    def add(name: str, *shape: int) -> None:
        weights[name] = lot.normal(0, 0.3, shape).astype(np.float32)

    add("embeddings.word_embeddings.weight", len(WORDS), WIDTH)
    add("embeddings.position_embeddings.weight", TOKENS, WIDTH)
    add("embeddings.token_type_embeddings.weight", 2, WIDTH)
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        root = f"encoder.layer.{layer}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            add(f"{root}.{part}.weight", WIDTH, WIDTH)
            add(f"{root}.{part}.bias", WIDTH)
        add(f"{root}.intermediate.dense.weight", INNER, WIDTH)
        add(f"{root}.intermediate.dense.bias", INNER)
        add(f"{root}.output.dense.weight", WIDTH, INNER)
        add(f"{root}.output.dense.bias", WIDTH)
        norms += [f"{root}.attention.output.LayerNorm", f"{root}.output.LayerNorm"]
    for norm in norms:
        add(f"{norm}.weight", WIDTH)
        add(f"{norm}.bias", WIDTH)
    safetensors.save_file(weights, tmp_path / "model.safetensors")
    config = {"model_type": "bert", "hidden_act": "gelu", "num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (tmp_path / "config.json").write_text(json.dumps({**config, "max_position_embeddings": TOKENS}))
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def plainly(folder: Path, ids: list[int], heads: int, layers: int) -> np.ndarray:
    """Attention, feed-forward and pooling for one sentence, as the papers have it."""
    loaded = safetensors.load_file(folder / "model.safetensors")
    w = {name.removeprefix("bert."): array.astype(np.float64) for name, array in loaded.items()}
    erf = np.vectorize(math.erf)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def line(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = np.array([w["embeddings.word_embeddings.weight"][i] for i in ids])
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    size = x.shape[1] // heads
    for layer in range(layers):
        root = f"encoder.layer.{layer}"
        q, k, v = (line(x, f"{root}.attention.self.{part}") for part in ("query", "key", "value"))
        mixed = np.zeros_like(x)
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = q[:, part] @ k[:, part].T / math.sqrt(size)
            shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
            mixed[:, part] = shares @ v[:, part]
        x = norm(x + line(mixed, f"{root}.attention.output.dense"), f"{root}.attention.output.LayerNorm")
        inner = line(x, f"{root}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
        x = norm(x + line(inner, f"{root}.output.dense"), f"{root}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_small_model_equals_the_papers(folder: Path) -> None:
    """Sentences of different lengths in one batch get the vectors that each gets when it is computed plainly."""
    encoder = BertEncoder(folder, frozenset({"de"}))
    texts = ["wie lange", "was kostet router umzug how long card is my the", "unbekannt", ""]
    ids = [[2, *(WORDS.index(word) if word in WORDS else 1 for word in text.split()), 3] for text in texts]
    expected = np.array([plainly(folder, one, HEADS, LAYERS) for one in ids])
    assert np.abs(encoder.encode(texts) - expected).max() < 1e-5
    assert encoder.languages == {"de"}


def test_real_model_equals_the_papers() -> None:
    """A model that is published equals the plain computation to 1e-4; STREAMHUB_TEST_ENCODER names its folder."""
    place = os.environ.get("STREAMHUB_TEST_ENCODER", "")
    if not place:
        pytest.skip("STREAMHUB_TEST_ENCODER names no model")
    from tokenizers import Tokenizer

    folder = Path(place)
    config = json.loads((folder / "config.json").read_text())
    text = "How do I find out what my card costs me?"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    ids = tokenizer.encode(text).ids
    expected = plainly(folder, ids, config["num_attention_heads"], config["num_hidden_layers"])
    found = BertEncoder(folder, frozenset({"en"})).encode(
        ["Something much longer, so that there is padding " * 3, text]
    )
    assert np.abs(found[1] - expected).max() < 1e-4


def test_what_is_no_model_is_said_to_be_none(folder: Path, tmp_path: Path) -> None:
    """A folder without a model, a model of another kind and a file cut off are refused with what to do."""
    with pytest.raises(BadInput, match="cannot be read"):
        BertEncoder(tmp_path / "nirgends", frozenset({"de"}))
    weights = safetensors.load_file(folder / "model.safetensors")
    weights.pop("encoder.layer.1.output.dense.bias")
    safetensors.save_file(weights, folder / "model.safetensors")
    with pytest.raises(BadInput, match="lacks"):
        BertEncoder(folder, frozenset({"de"}))
    (folder / "config.json").write_text(
        json.dumps({**json.loads((folder / "config.json").read_text()), "model_type": "gpt"})
    )
    with pytest.raises(BadInput, match="is gpt"):
        BertEncoder(folder, frozenset({"de"}))
