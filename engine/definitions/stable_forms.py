"""What is said where a number is computed in another form than its formula has, so that nothing overflows."""

from __future__ import annotations


def sigmoid_note(x):
    return "" if x >= 0.0 else (
        "1/(1 + exp(-x)) is computed as exp(x)/(1 + exp(x)) where x < 0: the same number, but the exp of a large number "
        "would overflow"
    )


def softplus_note(x):
    return "" if x <= 0.0 else (
        "ln(1 + exp(x)) is computed as x + ln(1 + exp(-x)) where x > 0: the same number, but the exp of a large number "
        "would overflow"
    )
