import timeit
def test_speed(place):
    def mk():
        def f(x): return x
        return f
    g = mk()
    def bare(*a, **k): return g(*a, **k)
    a = place(mk(), retry={})
    b = place(mk(), retry={"max_elapsed": "1s"})
    c = place(mk(), retry={"on_result": {"equals": "x"}})
    d = place(mk(), retry={"on_result": {"is_none": True}})
    t = lambda f, n=200000: min(timeit.repeat("f(1)", globals={"f": f}, number=n, repeat=7))/n*1e9
    base = t(bare)
    for name, f in [("bare", bare), ("plain", g), ("retry", a), ("elapsed", b), ("equals", c), ("none", d)]:
        x = t(f); print(name, round(x,1), round(x/base,2))
    state = [0]
    def mkf():
        def flaky(x):
            state[0] += 1
            if state[0] & 1: raise ConnectionError("no")
            return x
        return flaky
    def hand(x):
        while True:
            try: return h(x)
            except Exception: continue
    h = mkf()
    x = t(hand, 20000); print("by hand", round(x,1), round(x/base,2))
    for j in ("full", "none"):
        fl = place(mkf(), retry={"initial_delay": "0s", "jitter": j})
        x = t(fl, 20000); print("one failure", j, round(x,1), round(x/base,2))
