"""Random numbers of a GPU, one element at a time: Philox4x32-10, and what is made of its words. y flattened.

Philox turns a counter of four words of 32 bits and a key of two into four random words, and remembers nothing (Salmon,
Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The key is the seed. The counter is the
number of the draw, ``offset`` / 4, and the number of a block within it, as cuRAND counts (``curand_init(seed, block,
offset)``). So an element depends on seed, offset and its index alone, whatever computes it.

Element i uses the first words of block i. That, and what is made of the words, is what PyTorch does on a GPU as long as
a tensor has no more elements than the GPU runs threads at once: after the same seed the numbers are PyTorch's, up to
rounding. (In larger tensors PyTorch's depend on the GPU.) Only dropout shares a block among four neighbours, for speed.

Python's integers have any length, those of a compiled kernel 64 bits with a sign. Masks keep both to the same 32 bits:
of a product that has overflowed into the sign the bits are right all the same.
"""

import math

from engine.definitions.contract import defines

_WORD = 0xFFFFFFFF

#: Multipliers of the rounds, and what the key grows by.
_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85

_STEP_32 = 2.3283064365386963e-10  # 2^-32
_STEP_53 = 1.1102230246251565e-16  # 2^-53
_TWO_PI = 6.283185307179586


def philox(key0, key1, counter0, counter1, counter2, counter3):
    """The four words that Philox4x32-10 makes of a counter and a key, all in [0, 2^32)."""
    for _ in range(10):
        product0 = _M0 * counter0
        product1 = _M1 * counter2
        counter0 = ((product1 >> 32) & _WORD) ^ counter1 ^ key0
        counter2 = ((product0 >> 32) & _WORD) ^ counter3 ^ key1
        counter1 = product1 & _WORD
        counter3 = product0 & _WORD
        key0 = (key0 + _W0) & _WORD
        key1 = (key1 + _W1) & _WORD
    return counter0, counter1, counter2, counter3


def words(seed, offset, block):
    """The four words of a block of the draw at ``offset``, a multiple of 4."""
    draw = offset >> 2
    return philox(
        seed & _WORD, (seed >> 32) & _WORD,
        draw & _WORD, (draw >> 32) & _WORD, block & _WORD, (block >> 32) & _WORD,
    )  # fmt: skip


def unit_32(word):
    """A number in (0, 1) of one word: the middle of the word's interval."""
    return (word + 0.5) * _STEP_32


def unit_53(first, second):
    """A number in (0, 1] with 53 bits of two words."""
    return ((first ^ (second << 21)) + 0.5) * _STEP_53


def between(u, low, high, limit):
    """low + (high - low)·u; ``low`` where that is ``limit`` or more, and would be rounded to ``high``."""
    value = low + (high - low) * u
    if value >= limit:
        return low
    return value


def box_muller(u, v):
    """A standard normal number of two uniform ones."""
    return math.sqrt(-2.0 * math.log(u)) * math.sin(_TWO_PI * v)


def upper_product(a_high, a_low, b_high, b_low):
    """⌊a·b / 2^64⌋ for a and b in two words each."""
    carry = ((a_low * b_low) >> 32) & _WORD
    middle = a_high * b_low + carry
    other = a_low * b_high + (middle & _WORD)
    return a_high * b_high + ((middle >> 32) & _WORD) + ((other >> 32) & _WORD)


# ---- uniform, normal, exponential ----


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = a + (b - a)\,u_i,\quad u_i = (w_{i,0} + \tfrac12)\,2^{-32}",
    plain="y[i] = low + (high - low)·(word[i, 0] + ½)/2³²; low where that is rounded to high",
)
def random_uniform_float32(seed, offset, low, high, limit, i):
    word, _, _, _ = words(seed, offset, i)
    return between(unit_32(word), low, high, limit)


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = a + (b - a)\,u_i,\quad u_i = ((w_{i,0} \oplus 2^{21} w_{i,1}) + \tfrac12)\,2^{-53}",
    plain="y[i] = low + (high - low)·((word[i, 0] xor 2²¹·word[i, 1]) + ½)/2⁵³; low where that is high",
)
def random_uniform_float64(seed, offset, low, high, limit, i):
    first, second, _, _ = words(seed, offset, i)
    return between(unit_53(first, second), low, high, limit)


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = \mu + \sigma \sqrt{-2 \ln u_i}\,\sin 2\pi v_i,\quad u_i, v_i = (w_{i,0/1} + \tfrac12)\,2^{-32}",
    plain="y[i] = mean + std·√(-2 ln u)·sin(2π·v), u = (word[i, 0] + ½)/2³², v = (word[i, 1] + ½)/2³²",
)
def random_normal_float32(seed, offset, mean, std, i):
    first, second, _, _ = words(seed, offset, i)
    return mean + std * box_muller(unit_32(first), unit_32(second))


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = \mu + \sigma \sqrt{-2 \ln u_i}\,\sin 2\pi v_i,\quad u_i, v_i \mathrm{ with\ 53\ bits}",
    plain="y[i] = mean + std·√(-2 ln u)·sin(2π·v), u of word[i, 0], word[i, 1], v of word[i, 2], word[i, 3]",
)
def random_normal_float64(seed, offset, mean, std, i):
    first, second, third, fourth = words(seed, offset, i)
    return mean + std * box_muller(unit_53(first, second), unit_53(third, fourth))


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = -\ln(u_i) / \lambda,\quad u_i = (w_{i,0} + \tfrac12)\,2^{-32}",
    plain="y[i] = -ln(u)/lambd, u = (word[i, 0] + ½)/2³²",
)
def random_exponential_float32(seed, offset, lambd, i):
    word, _, _, _ = words(seed, offset, i)
    return -math.log(unit_32(word)) / lambd


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = -\ln(u_i) / \lambda,\quad u_i = ((w_{i,0} \oplus 2^{21} w_{i,1}) + \tfrac12)\,2^{-53}",
    plain="y[i] = -ln(u)/lambd, u = ((word[i, 0] xor 2²¹·word[i, 1]) + ½)/2⁵³",
)
def random_exponential_float64(seed, offset, lambd, i):
    first, second, _, _ = words(seed, offset, i)
    return -math.log(unit_53(first, second)) / lambd


# ---- integers ----


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = a + (w_{i,0} \;\mathrm{mod}\; s)",
    plain="y[i] = low + word[i, 0] mod span",
)
def random_integers(seed, offset, low, span, i):
    word, _, _, _ = words(seed, offset, i)
    return low + word % span


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = a + \left\lfloor (2^{32} w_{i,0} + w_{i,1})\,s\,/\,2^{64} \right\rfloor",
    plain="y[i] = low + ⌊(2³²·word[i, 0] + word[i, 1])·(2³²·span_high + span_low) / 2⁶⁴⌋",
)
def random_wide_integers(seed, offset, low, span_high, span_low, i):
    first, second, _, _ = words(seed, offset, i)
    return low + upper_product(first, second, span_high, span_low)


# ---- zeros and ones ----


@defines(
    "y[i]",
    reads="",
    latex=r"y_i = [w_{i,0} < t]",
    plain="y[i] = 1 where word[i, 0] < threshold = p·2³², else 0",
)
def random_bernoulli(seed, offset, threshold, i):
    word, _, _, _ = words(seed, offset, i)
    if word < threshold:
        return 1.0
    return 0.0


@defines(
    "y[i]",
    reads="p",
    latex=r"y_i = \left[(w_{i,0} + \tfrac12)\,2^{-32} < p_i\right]",
    plain="y[i] = 1 where (word[i, 0] + ½)/2³² < p[i], else 0",
)
def random_bernoulli_each(p, seed, offset, i):
    word, _, _, _ = words(seed, offset, i)
    if unit_32(word) < p[i]:
        return 1.0
    return 0.0


@defines(
    "mask[i]",
    reads="",
    latex=r"\mathrm{mask}_i = \frac{[w_{\lfloor i/4 \rfloor,\, i \,\mathrm{mod}\, 4} < t]}{1 - p}",
    plain="mask[i] = scale = 1/(1 - p) where word[⌊i/4⌋, i mod 4] < threshold = (1 - p)·2³², else 0",
)
def random_dropout_mask(seed, offset, threshold, scale, i):
    first, second, third, fourth = words(seed, offset, i >> 2)
    place = i & 3
    word = first
    if place == 1:
        word = second
    elif place == 2:
        word = third
    elif place == 3:
        word = fourth
    if word < threshold:
        return scale
    return 0.0
