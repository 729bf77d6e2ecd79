"""Models of the shapes that the diariser's library reads, made by hand: they tell low tones from high ones.

They stand in for the real ones, which are some 40 MB: the segmentation has the inputs, outputs and marks of pyannote's
3.0 (10 s in, 589 frames of 7 classes out), the embedding those of a WeSpeaker model on 80 filter banks.
"""

import wave
from pathlib import Path

import numpy as np
import pytest

RATE_HZ = 16_000
LOW, HIGH = 200, 2000
SEGMENTATION_MARKS = {
    "sample_rate": 16000,
    "window_size": 160000,
    "receptive_field_size": 991,
    "receptive_field_shift": 270,
    "num_speakers": 3,
    "powerset_max_classes": 2,
    "num_classes": 7,
}
EMBEDDING_MARKS = {
    "framework": "wespeaker",
    "language": "de",
    "output_dim": 80,
    "sample_rate": 16000,
    "normalize_samples": 1,
}


def save_models(folder: Path) -> None:
    """Write both models."""
    helper = pytest.importorskip("onnx.helper", reason="models are made with the package onnx")
    numbers = pytest.importorskip("onnx.numpy_helper")
    node = helper.make_node

    def save(name: str, nodes: list, constants: dict, shapes: tuple, marks: dict) -> None:
        given, made = (helper.make_tensor_value_info(side, 1, shape) for side, shape in zip("xy", shapes, strict=True))
        held = [numbers.from_array(value, key) for key, value in constants.items()]
        graph = helper.make_graph(nodes, name, [given], [made], held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {key: str(value) for key, value in marks.items()})
        (folder / name).write_bytes(model.SerializeToString())

    step = np.array([[[-1, 1]]], np.float32)
    # Silence; a low voice, whose sound changes slowly; a high one; and four classes that nothing is.
    scores = np.array([[0, 0], [1, -2], [-0.4, 1], *[[0, 0]] * 4], np.float32)[:, :, None]
    bias = np.array([0.02, 0, 0, -1, -1, -1, -1], np.float32)
    nodes = [
        node("Abs", ["x"], ["loud"]),
        node("Conv", ["x", "step"], ["change"], pads=[0, 1]),
        node("Abs", ["change"], ["changing"]),
        node("Concat", ["loud", "changing"], ["both"], axis=1),
        node("AveragePool", ["both"], ["frames"], kernel_shape=[991], strides=[270]),
        node("Conv", ["frames", "scores", "bias"], ["classes"]),
        node("Transpose", ["classes"], ["y"], perm=[0, 2, 1]),
    ]
    constants = {"step": step, "scores": scores, "bias": bias}
    save("segmentation.onnx", nodes, constants, ((1, 1, "N"), (1, "T", 7)), SEGMENTATION_MARKS)
    nodes = [
        node("ReduceMean", ["x"], ["level"], axes=[2], keepdims=1),
        node("Sub", ["x", "level"], ["shape"]),
        node("ReduceMean", ["shape"], ["y"], axes=[1], keepdims=0),
    ]
    save("embedding.onnx", nodes, {}, ((1, "T", 80), (1, 80)), EMBEDDING_MARKS)


def write_voices(path: Path, said: list[tuple[int, float, float]], length_s: float) -> Path:
    """A sound file in which tones (pitch, from, to in seconds) are heard."""
    at_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    sound = sum(0.4 * np.sin(2 * np.pi * pitch * at_s) * ((at_s >= begin) & (at_s < end)) for pitch, begin, end in said)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes((np.asarray(sound) * 32767).astype("<i2").tobytes())
    return path
