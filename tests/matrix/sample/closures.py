"""Functions made inside functions."""


def make_adder(n):
    def adder(x):
        return x + n

    return adder


add5 = make_adder(5)
add7 = make_adder(7)


def make_counter():
    count = 0

    def step(by=1):
        nonlocal count
        count += by
        return count

    return step


def make_class(base):
    class Made:
        def grow(self, x):
            return x + base

        def __repr__(self):
            return f"<{__class__.__name__}>"

    return Made


def make_fetch(prefix):
    async def fetch(key):
        return prefix + key

    return fetch


def make_lambda(n):
    return lambda x: x * n


def outermost(n):
    def middle(m):
        def innermost(x):
            return x + n + m

        return innermost

    return middle
