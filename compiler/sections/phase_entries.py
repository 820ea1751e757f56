"""What a `train` section takes beside how it learns: what it trains, on what, and from where it starts."""

from __future__ import annotations

from compiler.signature import Setting, Signature

PHASE = (
    Signature(
        "model",
        "the model that is trained, where there are several",
        (Setting("name", "name", "its name", required=True),),
        ("name",),
    ),
    Signature(
        "data",
        "the data section that is learnt from, where there are several",
        (Setting("name", "name", "its name", required=True),),
        ("name",),
    ),
    Signature(
        "init",
        "starts from another run's weights, under labels of the same name, with its vocabulary; or from word vectors",
        (
            Setting(
                "from",
                "text",
                "its folder or model file, from the working directory; or a file of vectors, as vectors= finds it",
                required=True,
            ),
            Setting("only", "name", "these labels, not all that both have", many=True),
        ),
    ),
    Signature(
        "freeze",
        "the weights under these labels are not trained",
        (Setting("labels", "name", "the labels, one after the other", required=True, many=True),),
        ("labels",),
    ),
)
