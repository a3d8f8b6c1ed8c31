"""Classes of many kinds."""

import abc
import enum
import functools
from dataclasses import dataclass, field
from typing import NamedTuple


class Model:
    bias = 1

    def __init__(self, scale=2):
        self.scale = scale

    def predict(self, x):
        return x * self.scale + self.bias

    def __call__(self, x):
        return self.predict(x) + 100

    @classmethod
    def load(cls, scale):
        return cls(scale)

    @staticmethod
    def clip(x, top=10):
        return min(x, top)

    @property
    def size(self):
        return self.scale * 10

    @size.setter
    def size(self, value):
        self.scale = value // 10

    @functools.cached_property
    def weights(self):
        return [self.scale] * 3

    async def apredict(self, x):
        return self.predict(x)

    def batches(self, n):
        for i in range(n):
            yield self.predict(i)

    def __getitem__(self, index):
        return self.scale + index

    def __eq__(self, other):
        return isinstance(other, Model) and other.scale == self.scale

    def __hash__(self):
        return hash(self.scale)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


class Deep(Model):
    def __init__(self, scale=3):
        super().__init__(scale)

    def predict(self, x):
        return super().predict(x) + 1000


class Plain(Model):
    pass


class Module:
    """Dispatches a call to `forward`, as torch does."""

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)


class Linear(Module):
    def forward(self, x):
        return x + 1


class Residual(Linear):
    def forward(self, x):
        return super().forward(x) + x


class Ranker(abc.ABC):
    @abc.abstractmethod
    def rank(self, items):
        return sorted(items)


class Reversed(Ranker):
    def rank(self, items):
        return super().rank(items)[::-1]


@dataclass
class Order:
    item: str
    amount: int = 1
    tags: list = field(default_factory=list)

    def total(self, each):
        return self.amount * each


@dataclass(frozen=True, slots=True)
class Frozen:
    x: int

    def doubled(self):
        return Frozen(self.x * 2)


class Point(NamedTuple):
    x: int
    y: int = 0

    def norm(self):
        return abs(self.x) + abs(self.y)


class Colour(enum.Enum):
    RED = 1
    GREEN = 2

    def mixed(self, other):
        return self.value + other.value

    @classmethod
    def parse(cls, text):
        return cls[text.upper()]

    @property
    def label(self):
        return self.name.title()


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def bump(self, by=1):
        self.value += by
        return self.value


class Outer:
    class Inner:
        def reach(self, x):
            return x + 5

        class Innermost:
            def reach(self, x):
                return x + 6


class Vault:
    def __secret(self, __key, *, __salt=1):
        return f"{__key}/{__salt}"

    def open(self, __key):
        return self.__secret(__key, _Vault__salt=3)


class Registry(type):
    made = []

    def __call__(cls, *args, **kwargs):
        instance = super().__call__(*args, **kwargs)
        Registry.made.append(cls.__name__)
        return instance

    def names(cls):
        return f"{cls.__name__} of {len(cls.made)}"


class Registered(metaclass=Registry):
    def __init__(self, x):
        self.x = x


class Lazy:
    """A descriptor of our own around a function."""

    def __init__(self, function):
        self.function = function

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        return self if instance is None else self.function(instance)


class Report:
    rows = 4

    @Lazy
    def total(self):
        return self.rows * 2


class Fallback:
    def __getattr__(self, name):
        return f"no {name}"

    def __init_subclass__(cls, /, **kwargs):
        cls.options = kwargs

    def __class_getitem__(cls, item):
        return (cls.__name__, item)


class Multiplier:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return x * self.by


triple = Multiplier(3)
