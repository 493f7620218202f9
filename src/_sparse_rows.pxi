# Rows whose small entries become exactly 0: entmax 1.5 and hardmax. Sparsemax is in _rows.pxi.


cdef void combine_low(double *lanes) noexcept nogil:
    cdef int l
    for l in range(1, LANES):
        lanes[0] = lanes[l] if lanes[l] < lanes[0] else lanes[0]
    for l in range(1, LANES):
        lanes[l] = lanes[0]


# ---- Entmax 1.5 -----------------------------------------------------------------------------------------------

cdef void entmax15_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """max(x / 2 - tau, 0)^2 with tau such that the row sums to 1.

    tau starts at top / 2 - 1, which is never too high. Newton's method for the root of the sum of squares, which is
    convex, brings it nearer and never beyond. The entries above tau alone give a tau that is never too low: when all
    of them are above that one too, it is exact, up to rounding.
    """
    cdef double v[CHUNK * LANES]
    cdef double top[LANES]
    cdef double tau[LANES]
    cdef double total[LANES]
    cdef double square[LANES]
    cdef double above[LANES]
    cdef double low[LANES]
    cdef bint settled[LANES]
    cdef bint same              # entries above tau after the step as before it
    cdef double d, inside, norm, under, step
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l, left = LANES
    for l in range(LANES):
        top[l] = -INFINITY
        tau[l] = -1.0
        settled[l] = False
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_entries(x, rows, group, first, count, v)
        for j in range(count):
            for l in range(LANES):
                d = v[j * LANES + l]
                top[l] = d if d > top[l] or d != d else top[l]
    if lies_along(rows):
        combine_top(top)
    while left > 0:
        for l in range(LANES):
            total[l] = 0.0
            square[l] = 0.0
            above[l] = 0.0
            low[l] = INFINITY
        for first in range(0, steps, 256):
            count = chunk_size(steps, first)
            if steps > CHUNK:
                load_entries(x, rows, group, first, count, v)
            for j in range(count):
                for l in range(LANES):
                    d = 0.5 * (v[j * LANES + l] - top[l]) - tau[l]
                    inside = d if d > 0.0 else 0.0
                    above[l] += 1.0 if d > 0.0 else 0.0
                    low[l] = d if d > 0.0 and d < low[l] else low[l]
                    total[l] += inside
                    square[l] += inside * inside
        if lies_along(rows):
            combine_sum(total)
            combine_sum(square)
            combine_sum(above)
            combine_low(low)
        left = 0
        for l in range(LANES):
            # A row with NaN or infinities never has an entry above tau; its top makes the output NaN.
            if settled[l] or above[l] == 0.0:
                continue
            under = total[l] * total[l] - above[l] * (square[l] - 1.0)
            step = (square[l] - 1.0) / (total[l] + sqrt(under)) if under >= 0.0 else INFINITY
            same = step < low[l]
            # From afar the difference cancels: one more step, from where it does not.
            settled[l] = same and 4.0 * under >= total[l] * total[l]
            if not same:
                norm = sqrt(square[l])
                step = (norm - 1.0) * norm / total[l]
                # An entry at tau itself is neither above nor below.
                settled[l] = step <= 4e-16
            tau[l] += step
            left += 0 if settled[l] else 1
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_entries(x, rows, group, first, count, v)
        for j in range(count):
            for l in range(LANES):
                d = 0.5 * (v[j * LANES + l] - top[l]) - tau[l]
                v[j * LANES + l] = top[l] - top[l] if d <= 0.0 else d * d
        clear_masked(rows, group, first, count, 0.0, v)
        store_chunk(<T *>rows.at[1], rows, group, first, count, v)


cdef void entmax15_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """q (g - sum(q g) / sum(q)) with q = sqrt(y); at: g, y, out."""
    cdef double q
    cdef double g[CHUNK * LANES]
    cdef double y[CHUNK * LANES]
    cdef double total[LANES]
    cdef double weight[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    for l in range(LANES):
        total[l] = 0.0
        weight[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                q = sqrt(y[j * LANES + l])
                total[l] += 0.0 if y[j * LANES + l] <= 0.0 else q * g[j * LANES + l]
                weight[l] += 0.0 if y[j * LANES + l] <= 0.0 else q
    if lies_along(rows):
        combine_sum(total)
        combine_sum(weight)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                q = sqrt(y[j * LANES + l]) * (g[j * LANES + l] - total[l] / weight[l])
                g[j * LANES + l] = flat_left(g[j * LANES + l]) if y[j * LANES + l] <= 0.0 else q
        store_chunk(<T *>rows.at[2], rows, group, first, count, g)


# ---- Hardmax --------------------------------------------------------------------------------------------------

cdef void hardmax_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """1 for the first of the largest entries, 0 for the others."""
    cdef double v[CHUNK * LANES]
    cdef double top[LANES]
    cdef double best[LANES]     # the step in which it stands
    cdef double d, other
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l, winner = 0
    for l in range(LANES):
        top[l] = -INFINITY
        best[l] = -1.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_entries(x, rows, group, first, count, v)
        for j in range(count):
            for l in range(LANES):
                d = v[j * LANES + l]
                best[l] = first + j if d > top[l] else best[l]
                top[l] = d if d > top[l] or d != d else top[l]
    if lies_along(rows):
        for l in range(1, LANES):
            # Earlier in the row is an earlier step or, within a step, an earlier lane.
            if top[l] > top[winner] or (top[l] == top[winner] and best[l] < best[winner]):
                winner = l
        for l in range(LANES):
            best[l] = best[l] if l == winner else -1.0
        combine_top(top)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        for j in range(count):
            for l in range(LANES):
                other = 1.0 if best[l] == first + j else 0.0
                # Nothing but -infinity leaves no entry to choose.
                v[j * LANES + l] = top[l] - top[l] if top[l] != top[l] or top[l] == -INFINITY else other
        clear_masked(rows, group, first, count, 0.0, v)
        store_chunk(<T *>rows.at[1], rows, group, first, count, v)


cdef void hardmax_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """0, or NaN where g or y is; at: g, y, out."""
    cdef double g[CHUNK * LANES]
    cdef double y[CHUNK * LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, i
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for i in range(count * LANES):
            g[i] = flat(g[i], y[i])
        store_chunk(<T *>rows.at[2], rows, group, first, count, g)
