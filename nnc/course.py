"""Where in `docs/course.md` a word of the language is met."""

from __future__ import annotations

PAGE = "docs/course.md"
SECTIONS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (1, "A neuron", ("dense", "real")),
    (2, "What one neuron cannot do: XOR", ("sign",)),
    (4, "Activation functions", ("sigmoid", "tanh", "relu", "gelu")),
    (5, "Output layers and losses", ("softmax", "class", "loss", "huber", "perceptron")),
    (6, "Gradient descent", ("sgd", "batch", "epochs", "schedule")),
    (9, "Computation graphs", ("max", "min")),
    (11, "One-hot vectors and bags of words", ("onehot", "bag", "category")),
    (12, "Embeddings: a table of vectors", ("embed", "concat", "words")),
    (13, "Word2vec", ("word", "windows", "subsample", "negatives", "hierarchical", "shrink", "radius")),
    (14, "Filters over neighbours", ("conv", "narrow", "wide", "same")),
    (15, "Pooling", ("maxpool", "avgpool", "mean", "sum")),
    (16, "TextCNN", ("vectors", "frozen")),
    (17, "Convolution over pictures", ("conv2d", "maxpool2d", "avgpool2d", "upsample2d", "batchnorm", "image")),
    (18, "Memory: delays, autoregression", ("series", "next", "causal", "dilation")),
    (19, "The simple recurrent network", ("srn", "elman", "param", "linear")),
    (20, "Vanishing and exploding gradients", ("clip", "decay", "leaky", "leaky_deep")),
    (21, "GRU", ("gru", "gru_after")),
    (22, "LSTM and its variants", ("lstm", "lstm_1997", "lstm_peephole", "lstm_coupled", "diagonal")),
    (23, "Deep and bidirectional", ("bidir", "layers", "reverse")),
    (24, "Sequence to class", ("last", "first")),
    (25, "Sequence to sequence, in step", ("segments", "spans", "crf")),
    (26, "Language models", ("stateful", "unroll", "sample", "greedy")),
    (27, "Sequence to sequence, of another length: encoder and decoder", ("decode", "beam")),
    (28, "Dropout", ("dropout", "variational")),
    (29, "Attention", ("attend", "weighted", "pointer")),
    (
        30,
        "The Transformer",
        ("attention", "positions", "residual", "layernorm", "repeat", "encoder_layer", "decoder_layer", "causal_layer"),
    ),
    (32, "BERT", ("masked", "follows", "sentence_pair", "freeze", "init")),
)
"""Number and title of a section, and the words that it is about."""


def sections_of(word: str) -> tuple[str, ...]:
    """`22. LSTM and its variants`."""
    return tuple(f"{number}. {title}" for number, title, words in SECTIONS if word in words)
