"""Element by element. out may be the memory of an operand, except where the docstring says otherwise."""

from __future__ import annotations

from runtime.backend import Array, Xp


def number(xp: Xp, value: float, dtype: type) -> Array:
    """A constant operand as an array, which NumPy would make of it in every call."""
    return xp.array(value, dtype)


def constant(xp: Xp, out: Array, *, value: float) -> None:
    out[...] = value


def neg(xp: Xp, out: Array, x: Array) -> None:
    xp.negative(x, out=out)


def exp(xp: Xp, out: Array, x: Array) -> None:
    xp.exp(x, out=out)


def log(xp: Xp, out: Array, x: Array) -> None:
    xp.log(x, out=out)


def sqrt(xp: Xp, out: Array, x: Array) -> None:
    xp.sqrt(x, out=out)


def tanh(xp: Xp, out: Array, x: Array) -> None:
    xp.tanh(x, out=out)


def sigmoid(xp: Xp, out: Array, x: Array) -> None:
    """(1 + tanh(x / 2)) / 2, which overflows nowhere."""
    xp.multiply(x, 0.5, out=out)
    xp.tanh(out, out=out)
    xp.multiply(out, 0.5, out=out)
    xp.add(out, 0.5, out=out)


def softplus(xp: Xp, out: Array, x: Array) -> None:
    xp.logaddexp(x, 0.0, out=out)


def relu(xp: Xp, out: Array, x: Array) -> None:
    xp.maximum(x, 0.0, out=out)


def abs_(xp: Xp, out: Array, x: Array) -> None:
    xp.absolute(x, out=out)


def sign(xp: Xp, out: Array, x: Array) -> None:
    xp.sign(x, out=out)


def add(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.add(x, y, out=out)


def sub(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.subtract(x, y, out=out)


def mul(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.multiply(x, y, out=out)


def div(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.divide(x, y, out=out)


def maximum(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.maximum(x, y, out=out)


def minimum(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.minimum(x, y, out=out)


def greater(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.greater(x, y, out=out)


def equal(xp: Xp, out: Array, x: Array, y: Array) -> None:
    xp.equal(x, y, out=out)


def cast(xp: Xp, out: Array, x: Array) -> None:
    xp.copyto(out, x, casting="unsafe")


def select(xp: Xp, out: Array, condition: Array, x: Array, y: Array) -> None:
    """out may be y's memory, not x's."""
    xp.copyto(out, y)
    xp.copyto(out, x, where=condition)


def keep(xp: Xp, out: Array, condition: Array, x: Array | float, *, negated: bool = False) -> None:
    """out may be x's memory, unless negated.

    The bits are multiplied as integers: by 1 they stay, by 0 even a NaN becomes 0; and a copy under a condition takes
    twenty times as long.
    """
    if isinstance(x, float):
        out.fill(0)
        xp.copyto(out, x, where=xp.logical_not(condition) if negated else condition)
        return
    bits, kept = integers(xp, x), integers(xp, out)
    xp.multiply(bits, condition, out=kept)
    if negated:
        xp.subtract(bits, kept, out=kept)


def integers(xp: Xp, x: Array) -> Array:
    """The same bits as integers of that width."""
    return x.view(xp.int32 if x.dtype.itemsize == 4 else xp.int64)


# The coefficients of Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), as in
# his CALERF: below 0.46875, from there to 4, above 4. Highest power first; a denominator begins with 1.
SMALL_P = (
    1.85777706184603153e-1,
    3.16112374387056560,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
SMALL_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
MIDDLE_P = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
            2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
            1.23033935479799725e3)  # fmt: skip
MIDDLE_Q = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
            3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip
LARGE_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
           1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
LARGE_Q = (1.0, 2.56852019228982242, 1.87295284992346047, 5.27905102951428412e-1, 6.05183413124413191e-2,
           2.33520497626869185e-3)  # fmt: skip
INVERSE_ROOT_PI = 5.6418958354775628695e-1


def erf(xp: Xp, out: Array, x: Array, size: Array, square: Array, part: Array, rest: Array, chosen: Array) -> None:
    """The error function to the last digits of a double. out must not be x's memory; the rest is work space."""
    # From 6 on the result is 1 to the last bit, and the powers stay small.
    xp.absolute(x, out=size)
    xp.minimum(size, 6.0, out=size)

    # Above 4, with z = 1 / y^2: erfc(y) = exp(-y^2) / y * (1 / sqrt(pi) - z * P(z) / Q(z))
    xp.maximum(size, 4.0, out=out)
    xp.multiply(out, out, out=square)
    xp.divide(1.0, square, out=square)
    _ratio(xp, LARGE_P, LARGE_Q, square, part, rest)
    xp.multiply(part, square, out=part)
    xp.subtract(INVERSE_ROOT_PI, part, out=part)
    xp.divide(part, out, out=out)

    # Between: erfc(y) = exp(-y^2) * P(y) / Q(y)
    xp.clip(size, 0.46875, 4.0, out=square)
    _ratio(xp, MIDDLE_P, MIDDLE_Q, square, part, rest)
    xp.less_equal(size, 4.0, out=chosen)
    xp.copyto(out, part, where=chosen)
    xp.multiply(size, size, out=square)
    xp.negative(square, out=square)
    xp.exp(square, out=square)
    xp.multiply(out, square, out=out)
    xp.subtract(1.0, out, out=out)

    # Below: erf(y) = y * P(y^2) / Q(y^2)
    xp.minimum(size, 0.46875, out=square)
    xp.multiply(square, square, out=square)
    _ratio(xp, SMALL_P, SMALL_Q, square, part, rest)
    xp.multiply(part, size, out=part)
    xp.less_equal(size, 0.46875, out=chosen)
    xp.copyto(out, part, where=chosen)
    xp.copysign(out, x, out=out)


def _ratio(xp: Xp, above: tuple[float, ...], below: tuple[float, ...], x: Array, out: Array, rest: Array) -> None:
    for coefficients, result in ((above, out), (below, rest)):
        result[...] = coefficients[0]
        for coefficient in coefficients[1:]:
            xp.multiply(result, x, out=result)
            xp.add(result, coefficient, out=result)
    xp.divide(out, rest, out=out)
