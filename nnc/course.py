"""Where in the documentation a word is met: one of the language, or of the field."""

from __future__ import annotations

COURSE = "docs/course.md"
TRAINING = "docs/training.md"
SECTIONS = (
    (COURSE, "1. A neuron", "dense real neuron"),
    (COURSE, "2. What one neuron cannot do: XOR", "sign xor"),
    (COURSE, "3. Feed-forward networks, and how wide they must be", "feed-forward"),
    (COURSE, "4. Activation functions", "sigmoid tanh relu gelu activation"),
    (COURSE, "5. Output layers and losses", "softmax class loss huber perceptron cross-entropy"),
    (COURSE, "6. Gradient descent", "sgd batch epochs schedule"),
    (COURSE, "7. Gradients of vectors: the Jacobian and the chain rule", "jacobian"),
    (COURSE, "8. Backpropagation", "backpropagation"),
    (COURSE, "9. Computation graphs", "max min"),
    (COURSE, "11. One-hot vectors and bags of words", "onehot bag category"),
    (COURSE, "12. Embeddings: a table of vectors", "embed concat words embedding dot factorization"),
    (COURSE, "13. Word2vec", "word windows subsample negatives hierarchical shrink radius word2vec skip-gram"),
    (COURSE, "14. Filters over neighbours", "conv narrow wide same filter"),
    (COURSE, "15. Pooling", "maxpool avgpool mean sum pooling"),
    (COURSE, "16. TextCNN", "vectors frozen textcnn convolution"),
    (
        COURSE,
        "17. Convolution over pictures",
        "conv2d maxpool2d avgpool2d upsample2d batchnorm image alexnet lenet resnet convolution",
    ),
    (COURSE, "18. Memory: delays, autoregression", "series next causal dilation autoregression tdnn narx"),
    (COURSE, "19. The simple recurrent network", "srn elman param linear recurrent"),
    (COURSE, "20. Vanishing and exploding gradients", "clip decay leaky leaky_deep vanishing exploding"),
    (COURSE, "21. GRU", "gru gru_after"),
    (COURSE, "22. LSTM and its variants", "lstm lstm_1997 lstm_peephole lstm_coupled diagonal"),
    (COURSE, "23. Deep and bidirectional", "bidir layers reverse"),
    (COURSE, "24. Sequence to class", "last first"),
    (COURSE, "25. Sequence to sequence, in step", "segments spans crf"),
    (COURSE, "26. Language models", "stateful unroll sample greedy perplexity"),
    (COURSE, "27. Sequence to sequence, of another length: encoder and decoder", "decode beam encoder decoder"),
    (COURSE, "28. Dropout", "dropout variational"),
    (COURSE, "29. Attention", "attend weighted pointer"),
    (
        COURSE,
        "30. The Transformer",
        "attention positions residual layernorm repeat encoder_layer decoder_layer causal_layer transformer",
    ),
    (COURSE, "32. BERT", "masked follows sentence_pair freeze init bert"),
    (TRAINING, "Several outputs, and what is not in the data", "copy penalty corrupt autoencoder"),
    (TRAINING, "Two inputs, alike or not", "shared cosine contrastive margin threshold siamese"),
)
"""A page, a heading of it, and words that it is about; those that are none of the language stand below it."""

WORDS = tuple(word for _, _, words in SECTIONS for word in words.split())


def sections_of(word: str) -> tuple[str, ...]:
    """`docs/course.md: 22. LSTM and its variants`."""
    return tuple(f"{page}: {heading}" for page, heading, words in SECTIONS if word.lower() in words.split())
