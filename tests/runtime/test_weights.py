import warnings

import numpy as np
import pytest

from compiler.experiment import Init, Parameter, State
from compiler.ir.types import Type
from dsl.source import Span
from runtime.weights import PART, initial, initial_states, initial_weights, stream

SPAN = Span("a.nn", 1, 1, 1, 2, "x")


def parameter(name: str, init: Init, shape: tuple[int, ...] = (200, 30), dtype: str = "f32") -> Parameter:
    return Parameter(name, Type(dtype, shape), init, SPAN)  # pyright: ignore[reportArgumentType]


def start(init: Init, **options: str) -> np.ndarray:
    return initial_weights([parameter("w", init, **options)], seed=1)["w"]


@pytest.mark.parametrize(
    ("init", "deviation", "bound"),
    [
        (Init("uniform", 0.5), 0.5 / 3**0.5, 0.5),
        (Init("uniform", fan_in=100), 0.1 / 3**0.5, 0.1),
        (Init("normal", 0.25), 0.25, np.inf),
        (Init("xavier", fan_in=20, fan_out=30), (2 / 50) ** 0.5, (6 / 50) ** 0.5),
        (Init("he", fan_in=50), 0.2, np.inf),
    ],
)
def test_initial_weights_have_their_width(init: Init, deviation: float, bound: float):
    values = start(init)
    assert values.dtype == np.float32
    assert abs(float(values.mean())) < 4 * deviation / 6000**0.5
    assert float(values.std()) == pytest.approx(deviation, rel=0.05)
    assert np.abs(values).max() <= bound


def test_constants_and_zeros_are_what_they_say():
    assert (start(Init("zeros")) == 0).all()
    assert (start(Init("constant", 2.5)) == 2.5).all()


def test_a_padding_row_starts_at_zeros():
    values = start(Init("normal", 1.0, padding_row=True))
    assert (values[0] == 0).all()
    assert (values[1] != 0).all()


def test_a_weight_does_not_depend_on_the_others_beside_it():
    a, b = parameter("a", Init("normal", 1.0)), parameter("b", Init("normal", 1.0))
    both, swapped = initial_weights([a, b], 3), initial_weights([b, a], 3)
    assert (both["a"] == swapped["a"]).all()
    assert (both["b"] == initial_weights([b], 3)["b"]).all()
    assert (both["a"] != both["b"]).all()
    assert (both["a"] != initial_weights([a], 4)["a"]).any()


def test_f32_is_f64_rounded():
    assert (start(Init("normal", 1.0)) == start(Init("normal", 1.0), dtype="f64").astype(np.float32)).all()


def test_states_start_where_they_say():
    states = initial_states([State("m", Type("f64", (2, 3))), State("v", Type("f32", (2,)), 0.5)])
    assert states["m"].shape == (2, 3)
    assert (states["v"] == np.float32(0.5)).all()


def test_a_large_weight_has_the_numbers_of_one_draw():
    type_ = Type("f64", (3, PART))
    drawn = initial(Init("normal", 0.5), type_, stream(1, "weights:w"))
    np.testing.assert_array_equal(drawn, stream(1, "weights:w").standard_normal((3, PART)) * 0.5)


def test_a_width_that_float32_does_not_hold_says_nothing_of_itself():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(start(Init("normal", 1e300))).any()
        states = initial_states([State("s", Type("f32", (2,)), 1e300)])
    assert states["s"].tolist() == [np.inf, np.inf]
