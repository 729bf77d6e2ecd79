"""A Whisper checkpoint of openai-whisper's form as a CTranslate2 folder for faster-whisper, in few bytes.

Owns the names of the weights on both sides and the tokenizer's file. Weights are int8, and what int8 leaves alone is
float16, as in the checkpoint: nothing is lost by that. Needs no `transformers`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import whisper
from ctranslate2.converters import utils
from ctranslate2.specs import common_spec, whisper_spec
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from whisper.tokenizer import LANGUAGES, get_tokenizer

Weights = dict[str, NDArray[np.float32]]

_LANGUAGE_COUNT = 99
_FIRST_LANGUAGE = 50_259
_TIMES = 1_501
_NEVER_FIRST = (220, 50_257)  # a space, and the end
_SOUND = {"feature_size": 80, "sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}


def convert(checkpoint: Path, folder: Path) -> None:
    """Write the folder that faster-whisper loads."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    spec = _spec_of(saved["dims"], {name: weight.float().numpy() for name, weight in saved["model_state_dict"].items()})
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    write_tokenizer(folder / "tokenizer.json")
    (folder / "preprocessor_config.json").write_text(json.dumps(_SOUND) + "\n", "utf-8")
    for name in ("config.json", "vocabulary.json"):
        told = json.loads((folder / name).read_text("utf-8"))
        (folder / name).write_text(_compact(told), "utf-8")


def _spec_of(dims: dict[str, int], weights: Weights) -> Any:
    spec = whisper_spec.WhisperSpec(
        dims["n_audio_layer"], dims["n_audio_head"], dims["n_text_layer"], dims["n_text_head"]
    )
    encoder, decoder = spec.encoder, spec.decoder
    for name in ("conv1", "conv2"):
        _linear(getattr(encoder, name), weights, f"encoder.{name}")
    encoder.position_encodings.encodings = weights["encoder.positional_embedding"]
    decoder.position_encodings.encodings = weights["decoder.positional_embedding"]
    _norm(encoder.layer_norm, weights, "encoder.ln_post")
    _norm(decoder.layer_norm, weights, "decoder.ln")
    decoder.embeddings.weight = decoder.projection.weight = weights["decoder.token_embedding.weight"]
    decoder.scale_embeddings = False
    for part, name in ((encoder, "encoder"), (decoder, "decoder")):
        for number, layer in enumerate(part.layer):
            block = f"{name}.blocks.{number}"
            _attention(layer.self_attention, weights, f"{block}.attn", ("query", "key", "value"))
            _norm(layer.self_attention.layer_norm, weights, f"{block}.attn_ln")
            if name == "decoder":
                _attention(layer.attention, weights, f"{block}.cross_attn", ("query",), ("key", "value"))
                _norm(layer.attention.layer_norm, weights, f"{block}.cross_attn_ln")
            _linear(layer.ffn.linear_0, weights, f"{block}.mlp.0")
            _linear(layer.ffn.linear_1, weights, f"{block}.mlp.2")
            _norm(layer.ffn.layer_norm, weights, f"{block}.mlp_ln")
    spec.register_vocabulary([*_shown_tokens(), *_signs()][: dims["n_vocab"]])
    spoken = get_tokenizer(True)
    signs = (spoken.transcribe, spoken.translate, spoken.sot, spoken.sot_prev, spoken.sot_lm, spoken.no_speech)
    spec.config.suppress_ids = sorted({*spoken.non_speech_tokens, *signs})
    spec.config.suppress_ids_begin = list(_NEVER_FIRST)
    spec.config.lang_ids = list(range(_FIRST_LANGUAGE, _FIRST_LANGUAGE + _LANGUAGE_COUNT))
    last = dims["n_text_layer"] - 1
    spec.config.alignment_heads = [[last, head] for head in range(dims["n_text_head"])]
    spec.validate()
    spec.optimize(quantization="int8_float16")
    return spec


def _linear(layer: Any, weights: Weights, name: str) -> None:
    layer.weight = weights[f"{name}.weight"]
    if f"{name}.bias" in weights:
        layer.bias = weights[f"{name}.bias"]


def _norm(layer: Any, weights: Weights, name: str) -> None:
    layer.gamma, layer.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


def _attention(layer: Any, weights: Weights, name: str, *fused: Iterable[str]) -> None:
    for place, parts in enumerate(fused):
        linears = []
        for part in parts:
            linears.append(common_spec.LinearSpec())
            _linear(linears[-1], weights, f"{name}.{part}")
        utils.fuse_linear(layer.linear[place], linears)
    _linear(layer.linear[-1], weights, f"{name}.out")


def _ranks() -> dict[bytes, int]:
    lines = Path(whisper.__file__).with_name("assets").joinpath("multilingual.tiktoken").read_text("ascii").split("\n")
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line.strip())}


def _signs() -> list[str]:
    return [
        *("<|endoftext|>", "<|startoftranscript|>"),
        *(f"<|{language}|>" for language in list(LANGUAGES)[:_LANGUAGE_COUNT]),
        *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
        *(f"<|{number * 0.02:.2f}|>" for number in range(_TIMES)),
    ]


def _shown(token: bytes, shown: dict[int, str]) -> str:
    return "".join(shown[byte] for byte in token)


def _bytes_shown() -> dict[int, str]:
    """GPT-2's way to show every byte as a letter."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


def _shown_tokens() -> list[str]:
    shown = _bytes_shown()
    return [_shown(token, shown) for token, _ in sorted(_ranks().items(), key=lambda pair: pair[1])]


def _merged_from(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two tokens that a token was merged from: merge its bytes, the earliest merge first, until two are left."""
    parts = [token[at : at + 1] for at in range(len(token))]
    while len(parts) > 2:
        at = min(range(len(parts) - 1), key=lambda at: ranks.get(parts[at] + parts[at + 1], len(ranks)))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]


def write_tokenizer(path: Path) -> None:
    """Write Whisper's tokenizer as the library `tokenizers` reads it."""
    ranks, shown = _ranks(), _bytes_shown()
    ordered = sorted(ranks.items(), key=lambda pair: pair[1])
    pairs = [_merged_from(token, ranks) for token, _ in ordered if len(token) > 1]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={_shown(token, shown): rank for token, rank in ordered},
            merges=[(_shown(left, shown), _shown(right, shown)) for left, right in pairs],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    signs, others = _signs()[:-_TIMES], _signs()[-_TIMES:]
    tokenizer.add_special_tokens([AddedToken(sign, special=True, normalized=False) for sign in signs])
    tokenizer.add_tokens([AddedToken(sign, special=False, normalized=False) for sign in others])
    path.write_text(compact_tokenizer(tokenizer.to_str()), "utf-8")


def compact_tokenizer(told: str) -> str:
    """The same tokenizer without white space, and with each merge as one string instead of a list of two."""
    tokenizer = json.loads(told)
    model = tokenizer["model"]
    model["merges"] = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return _compact(tokenizer)


def _compact(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"
