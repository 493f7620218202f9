# The softmax family and cross-entropy: functions of whole rows.
#
# a) An array is seen as (outer, n, inner) with the rows along n; the Python side arranges that without a copy
#    where it can; arrays that need nothing arranged come in by _plain.pxi. Everything is computed in double, but for
#    the float32 rows that _float_rows.pxi takes on.
# b) A group of rows is worked on as steps x LANES. Short or strided rows stand side by side, a row per lane; a long
#    contiguous row lies across all lanes ("along"), and the lanes are combined after each pass.
# c) Scratch is one chunk of steps on the stack. Rows that fit are read once; longer ones are read again in every
#    pass and their exponentials computed anew, which costs less than storing them.
# d) The largest entry is left out of the sum of exponentials: rest = sum - 1 keeps its digits when one entry
#    dominates, and log(sum) = log1p(rest).

from libc.stdlib cimport free

cdef enum:
    CHUNK = 256         # steps: 32 KiB of doubles; range() below needs the number itself
    ALONG = 48          # contiguous rows of at least this length lie across the lanes

cdef struct Rows:
    Py_ssize_t outer
    Py_ssize_t n
    Py_ssize_t inner
    const unsigned char *keep   # 0 where an entry is masked out, or NULL
    double temperature          # negative for softmin
    bint quiet                  # softmax1: as if every row had one more entry, 0

    void *at[3]                 # operands, then the output
    double scale                # of the gradient from above, where a row has one
    const void *grad            # per row, or NULL for 1
    char grad_type              # 'f' or 'd'
    # Of the losses only:
    const void *labels          # a class per row, or NULL: at[1] holds probabilities
    bint short_labels           # int32, not int64
    long long ignore
    const double *weight        # per class, or NULL
    double smoothing
    Py_ssize_t first_loss       # the row whose loss comes first in the output
    unsigned int skip           # lanes of the group that are not to be stored: a bit each

ctypedef void (*FloatGroup)(const float *x, const Rows *rows, Py_ssize_t group) noexcept nogil
ctypedef void (*DoubleGroup)(const double *x, const Rows *rows, Py_ssize_t group) noexcept nogil


cdef inline bint lies_along(const Rows *rows) noexcept nogil:
    return rows.inner == 1 and rows.n >= ALONG


cdef inline Py_ssize_t steps_of(const Rows *rows) noexcept nogil:
    return (rows.n + LANES - 1) // LANES if lies_along(rows) else rows.n


cdef inline Py_ssize_t offset_of(const Rows *rows, Py_ssize_t row) noexcept nogil:
    """Where a row starts; its entries are `inner` apart."""
    return row // rows.inner * (rows.n * rows.inner) + row % rows.inner


cdef inline Py_ssize_t rows_in_group(const Rows *rows, Py_ssize_t group) noexcept nogil:
    cdef Py_ssize_t left
    if lies_along(rows):
        return 1
    left = rows.outer * rows.inner - group * LANES
    return left if left < LANES else LANES


cdef void load_chunk(const T *source, const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count,
                     double padding, double *v) noexcept nogil:
    """Steps first ... first + count - 1 of a group; lanes without an entry get `padding`."""
    cdef Py_ssize_t j, l, here, start, live
    cdef const T *p
    if lies_along(rows):
        p = source + group * rows.n + first * LANES
        here = rows.n - first * LANES
        here = here if here < count * LANES else count * LANES
        for j in range(here):
            v[j] = p[j]
        for j in range(here, count * LANES):
            v[j] = padding
        return
    live = rows_in_group(rows, group)
    start = offset_of(rows, group * LANES)
    if live == LANES and offset_of(rows, group * LANES + LANES - 1) == start + LANES - 1:
        for j in range(count):
            p = source + start + (first + j) * rows.inner
            for l in range(LANES):
                v[j * LANES + l] = p[l]
        return
    for l in range(LANES):
        p = source + offset_of(rows, group * LANES + (l if l < live else live - 1)) + first * rows.inner
        for j in range(count):
            v[j * LANES + l] = p[j * rows.inner]


cdef void store_chunk(T *target, const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count,
                      const double *v) noexcept nogil:
    cdef Py_ssize_t j, l, here, start, live
    cdef T *p
    if lies_along(rows):
        p = target + group * rows.n + first * LANES
        here = rows.n - first * LANES
        for j in range(here if here < count * LANES else count * LANES):
            p[j] = <T>v[j]
        return
    live = rows_in_group(rows, group)
    start = offset_of(rows, group * LANES)
    if rows.skip == 0 and live == LANES and offset_of(rows, group * LANES + LANES - 1) == start + LANES - 1:
        for j in range(count):
            p = target + start + (first + j) * rows.inner
            for l in range(LANES):
                p[l] = <T>v[j * LANES + l]
        return
    for l in range(live):
        if rows.skip >> l & 1:
            continue
        p = target + offset_of(rows, group * LANES + l) + first * rows.inner
        for j in range(count):
            p[j * rows.inner] = <T>v[j * LANES + l]


cdef void load_keep(const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count,
                    unsigned char *keep) noexcept nogil:
    """The mask of a chunk, 1 to keep; lanes without an entry are 0 where a row lies along."""
    cdef Py_ssize_t j, l, row, live = rows_in_group(rows, group)
    for j in range(count):
        for l in range(LANES):
            if lies_along(rows):
                row = (first + j) * LANES + l
                keep[j * LANES + l] = row < rows.n and (rows.keep == NULL or rows.keep[group * rows.n + row])
            else:
                row = offset_of(rows, group * LANES + (l if l < live else live - 1)) + (first + j) * rows.inner
                keep[j * LANES + l] = rows.keep == NULL or rows.keep[row]


cdef inline Py_ssize_t chunk_size(Py_ssize_t steps, Py_ssize_t first) noexcept nogil:
    return steps - first if steps - first < CHUNK else CHUNK


cdef void combine_max(double *lanes) noexcept nogil:
    cdef int l
    for l in range(1, LANES):
        lanes[0] = lanes[l] if lanes[l] > lanes[0] else lanes[0]
    for l in range(1, LANES):
        lanes[l] = lanes[0]


cdef void combine_sum(double *lanes) noexcept nogil:
    cdef int l, half = LANES // 2
    while half > 0:
        for l in range(half):
            lanes[l] += lanes[l + half]
        half = half // 2
    for l in range(1, LANES):
        lanes[l] = lanes[0]


cdef inline double hide(double x, unsigned char keep) noexcept nogil:
    return x if keep else -INFINITY


cdef inline double factor_of(const Rows *rows) noexcept nogil:
    """Of the entries while the largest is looked for: -1 for softmin; half of it where that keeps differences finite.

    Above a temperature of 1 an overflow of x - top would not be one of (x - top) / temperature.
    """
    cdef double sign = -1.0 if rows.temperature < 0 else 1.0
    return 0.5 * sign if c_fabs(rows.temperature) > 1.0 else sign


cdef void load_entries(const T *x, const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count,
                       double *v) noexcept nogil:
    """x times factor_of(rows); masked entries and padding are -infinity."""
    cdef Py_ssize_t i
    cdef unsigned char keep[CHUNK * LANES]
    cdef double factor = factor_of(rows)
    load_chunk(x, rows, group, first, count, -INFINITY * factor, v)
    if factor != 1.0:
        for i in range(count * LANES):
            v[i] = v[i] * factor
    if rows.keep != NULL:
        load_keep(rows, group, first, count, keep)
        for i in range(count * LANES):
            v[i] = hide(v[i], keep[i])


cdef void subtract_top(const Rows *rows, Py_ssize_t count, const double *top, double *v) noexcept nogil:
    """(x - top) / temperature: that order is exact for neighbours, and right where x / temperature overflows."""
    cdef Py_ssize_t j
    cdef int l
    cdef double temperature = rows.temperature * factor_of(rows)
    if temperature == 1.0:
        for j in range(count):
            for l in range(LANES):
                v[j * LANES + l] = v[j * LANES + l] - top[l]
        return
    for j in range(count):
        for l in range(LANES):
            v[j * LANES + l] = (v[j * LANES + l] - top[l]) / temperature


cdef inline double row_exp(T like, double d) noexcept nogil:
    return exp_narrow(d) if T is float else exp_wide(d, 0.0)


cdef void survey(const T *x, const Rows *rows, Py_ssize_t group, bint exponentials,
                 double *v, double *top, double *rest) noexcept nogil:
    """Per lane the largest entry, the 0 of softmax1 included, and the sum of exp(d) without one that it is.

    d is (x - top) / temperature. Where the rows fit into one chunk, v is left with d, or with exp(d).
    """
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    cdef double ties[LANES]
    cdef double part[LANES]
    cdef double d, e
    cdef double temperature = rows.temperature * factor_of(rows)
    for l in range(LANES):
        top[l] = 0.0 if rows.quiet else -INFINITY
        rest[l] = 0.0
        ties[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_entries(x, rows, group, first, count, v)
        for j in range(count):
            for l in range(LANES):
                d = v[j * LANES + l]
                top[l] = d if d > top[l] else top[l]
    if lies_along(rows):
        combine_max(top)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_entries(x, rows, group, first, count, v)
        subtract_top(rows, count, top, v)
        for l in range(LANES):
            part[l] = 0.0
        for j in range(count):
            for l in range(LANES):
                d = v[j * LANES + l]
                e = row_exp(<T>0, d)
                ties[l] += 1.0 if d == 0.0 else 0.0
                part[l] += 0.0 if d == 0.0 else e
                v[j * LANES + l] = e if exponentials else d
        for l in range(LANES):
            rest[l] += part[l]
    if lies_along(rows):
        combine_sum(rest)
        combine_sum(ties)
    if rows.quiet:
        for l in range(LANES):
            d = -top[l] / temperature
            ties[l] += 1.0 if d == 0.0 else 0.0
            rest[l] += 0.0 if d == 0.0 else row_exp(<T>0, d)
    for l in range(LANES):
        rest[l] += ties[l] - 1.0


cdef void reload_exponentials(const T *x, const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count,
                              double *v, const double *top) noexcept nogil:
    cdef Py_ssize_t j
    cdef int l
    load_entries(x, rows, group, first, count, v)
    subtract_top(rows, count, top, v)
    for j in range(count):
        for l in range(LANES):
            v[j * LANES + l] = row_exp(<T>0, v[j * LANES + l])


cdef void clear_masked(const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count, double value,
                       double *v) noexcept nogil:
    cdef Py_ssize_t i
    cdef unsigned char keep[CHUNK * LANES]
    if rows.keep == NULL:
        return
    load_keep(rows, group, first, count, keep)
    for i in range(count * LANES):
        v[i] = v[i] if keep[i] else value


include "_float_rows.pxi"
include "_float_gradients.pxi"


# ---- Gradients where the operands lie -------------------------------------------------------------------------
# A gradient of the softmax family is a sum over the row, then a line of arithmetic per entry. Where a step is 16
# neighbours in memory nothing is copied to scratch; lanes and order are those of the chunks, and so are the bits.

cdef inline bint is_open(const Rows *rows, Py_ssize_t group) noexcept nogil:
    """Whether every step is 16 neighbours in memory, but for the last of a row that lies along."""
    cdef Py_ssize_t last = group * LANES + LANES - 1
    if rows.keep != NULL:
        return False
    return lies_along(rows) or (last < rows.outer * rows.inner
                                and offset_of(rows, last) == offset_of(rows, group * LANES) + LANES - 1)


cdef inline double summand(int rule, double g, double y) noexcept nogil:
    return g * y if rule == PRODUCT_SUM else g


cdef inline T gradient(int rule, T g, T y, double total, double temperature, bint divided) noexcept nogil:
    cdef double d = y * (g - total) if rule == PRODUCT_SUM else g - row_exp(<T>0, y) * total
    return <T>(d / temperature if divided else d * temperature)


cdef inline void open_gradient(int rule, const T *g, const T *y, T *out, const Rows *rows, Py_ssize_t group,
                               bint divided) noexcept nogil:
    cdef bint along = lies_along(rows)
    cdef Py_ssize_t start = group * rows.n if along else offset_of(rows, group * LANES), j, i
    cdef Py_ssize_t step = LANES if along else rows.inner, steps = rows.n // LANES if along else rows.n
    cdef double total[LANES]
    cdef double temperature = rows.temperature, whole
    cdef int l
    for l in range(LANES):
        total[l] = 0.0
    for j in range(steps):
        for l in range(LANES):
            total[l] += summand(rule, g[start + j * step + l], y[start + j * step + l])
    if not along:
        for j in range(steps):
            for l in range(LANES):
                i = start + j * step + l
                out[i] = gradient(rule, g[i], y[i], total[l], temperature, divided)
        return
    for l in range(<int>(rows.n - steps * LANES)):
        i = start + steps * LANES + l
        total[l] += summand(rule, g[i], y[i])
    combine_sum(total)
    whole = total[0]
    for i in range(start, start + rows.n):
        out[i] = gradient(rule, g[i], y[i], whole, temperature, divided)


cdef inline bint gradient_done(int rule, const T *g, const Rows *rows, Py_ssize_t group) noexcept nogil:
    if not is_open(rows, group):
        return False
    # To multiply by 1 or -1 is exact and takes a sixteenth of the time of a division.
    if c_fabs(rows.temperature) == 1.0:
        open_gradient(rule, g, <const T *>rows.at[1], <T *>rows.at[2], rows, group, False)
    else:
        open_gradient(rule, g, <const T *>rows.at[1], <T *>rows.at[2], rows, group, True)
    return True


# ---- float32 in its own width ---------------------------------------------------------------------------------
# What the kernels above do in double, by _float_rows.pxi. A piece is a row that lies along, or up to 16 rows next to
# each other in memory; short rows are turned to lie so. Each row is done this way or that by what is in it alone.

cdef enum:
    PARTS = 1024        # steps whose exponentials are kept for the last pass: 128 KiB
    PARTS_ALONG = 4096  # and of a row that lies along, 512 KiB: cheaper than anew from there
    PANELS = 16         # groups at most that are read together where rows lie beside each other
    HEAVY = 0
    SOFTMAX_BACKWARD
    LOG_SOFTMAX_BACKWARD
    SOFTMAX
    LOG_SOFTMAX
    LOGSUMEXP
    LOGSUMEXP_BACKWARD
    CROSS_ENTROPY
    CROSS_ENTROPY_BACKWARD


cdef dict light_kinds = {
    "softmax": SOFTMAX, "softmin": SOFTMAX, "softmax1": SOFTMAX, "log_softmax": LOG_SOFTMAX, "logsumexp": LOGSUMEXP,
    "logsumexp_backward": LOGSUMEXP_BACKWARD, "logmeanexp_backward": LOGSUMEXP_BACKWARD,
    "cross_entropy": CROSS_ENTROPY, "cross_entropy_backward": CROSS_ENTROPY_BACKWARD,
    "softmax_backward": SOFTMAX_BACKWARD, "softmin_backward": SOFTMAX_BACKWARD, "softmax1_backward": SOFTMAX_BACKWARD,
    "log_softmax_backward": LOG_SOFTMAX_BACKWARD,
}


cdef inline bint is_light(int kind, const Rows *rows) noexcept nogil:
    return (HAS_FLOAT_ROWS and kind != HEAVY and rows.keep == NULL and rows.temperature == 1.0
            and (kind < CROSS_ENTROPY or (rows.labels != NULL and rows.smoothing == 0.0)))


cdef unsigned int light_piece(int kind, const Rows *rows, const Steps *s, Py_ssize_t row, Py_ssize_t live,
                              const float *x, float *y, Py_ssize_t step, Py_ssize_t apart,
                              float *parts) noexcept nogil:
    """A piece that starts with `row`; entries of a row are `step` apart, rows `apart`. The lanes that are done."""
    cdef Survey found
    cdef double values[16]
    cdef double logs[16]
    cdef double units[16]
    cdef double gap[16]
    cdef Py_ssize_t place[16]
    cdef Py_ssize_t labels[16]
    cdef double p
    cdef Py_ssize_t l, label
    memset(&found, 0, sizeof(Survey))
    if kind == SOFTMAX or kind == LOGSUMEXP_BACKWARD:
        survey_total(s, parts, y, &found)
        if rows.quiet:
            find_units(s, &found, units)
            for l in range(16):
                found.sum[l] += units[l] * exp_narrow(-found.top[l])
        # Lanes without a row cost nothing, in SIMD.
        for l in range(16):
            values[l] = 1.0 / found.sum[l]
        if kind == LOGSUMEXP_BACKWARD:
            for l in range(live):
                values[l] = row_grad(rows, row + l) / found.sum[l]
                if not 1e-44 < c_fabs(values[l]) < 1e4:
                    found.sound &= ~(1u << l) if live > 1 else 0
        if found.sound != 0:
            scale_steps(s, &found, values, parts, y)
        return found.sound & ((1u << live) - 1)
    survey_rest(s, parts if kind == CROSS_ENTROPY_BACKWARD else NULL, y, &found)
    if kind != CROSS_ENTROPY_BACKWARD:
        for l in range(16):
            logs[l] = log1p_positive(found.sum[l])
    if kind == LOG_SOFTMAX:
        if found.sound != 0:
            subtract_steps(s, &found, logs, y)
    elif kind == LOGSUMEXP:
        for l in range(live):
            p = found.top[l] + logs[l]
            # The logarithm is right to 2^-28; below 1/2 that would not do for the sum.
            if found.sound >> l & 1 and c_fabs(p) >= 0.5:
                (<float *>rows.at[1])[row + l] = <float>p
            else:
                found.sound &= ~(1u << l) if live > 1 else 0
    elif kind == CROSS_ENTROPY:
        for l in range(live):
            label = label_at(rows, row + l)
            p = 0.0
            if label != rows.ignore and (rows.weight == NULL or rows.weight[label] != 0.0):
                p = logs[l] + (found.top[l] - x[l * apart + label * step])
                p *= rows.weight[label] if rows.weight != NULL else 1.0
            if found.sound >> l & 1:
                (<double *>rows.at[2])[row + l - rows.first_loss] = p
    else:
        find_units(s, &found, units)
        for l in range(16):
            values[l] = 1.0
            gap[l] = 0.0
        for l in range(live):
            label = labels[l] = label_at(rows, row + l)
            values[l] = rows.scale if label != rows.ignore else 0.0
            place[l] = l * apart + (label * step if label != rows.ignore else 0)
            gap[l] = x[place[l]] - found.top[l]
        if rows.grad != NULL or rows.weight != NULL:
            for l in range(live):
                if values[l] != 0.0:
                    values[l] = row_grad(rows, row + l)
                    values[l] *= rows.weight[labels[l]] if rows.weight != NULL else 1.0
        # In SIMD. The label's gradient is p - 1, known to the last digit where the label is the largest.
        for l in range(16):
            p = 1.0 + found.sum[l]
            units[l] = values[l] / (units[l] * p)
            logs[l] = values[l] * (-found.sum[l] / p if gap[l] == 0.0 else exp_narrow(gap[l]) / p - 1.0)
        for l in range(live):
            # A row without a gradient, or none that a float could scale with, is left to double.
            if not 1e-44 < c_fabs(units[l]) < 1e4:
                found.sound &= ~(1u << l)
        if found.sound != 0:
            scale_steps(s, &found, units, parts, y)
            for l in range(live):
                if found.sound >> l & 1:
                    y[place[l]] = <float>logs[l]
    return found.sound & ((1u << live) - 1)


cdef inline Py_ssize_t panels_of(const Rows *rows) noexcept nogil:
    """256 bytes or 1 KiB of every step are read together, so that the panels stay in the second cache.

    Longer rows have none, and their groups are shared out among the threads one by one.
    """
    return 1 if rows.n > PARTS else (4 if rows.n > 256 else PANELS)


cdef inline Py_ssize_t rows_in_sheaf(const Rows *rows) noexcept nogil:
    """Rows whose exponentials, 16 KiB, stay in the first cache."""
    cdef Py_ssize_t most = 2048 // rows.n
    return 1 if most < 1 else most if most < 16 else 16


cdef inline Py_ssize_t scratch_of(const Rows *rows) noexcept nogil:
    """Floats that light_groups needs: exponentials of a group or a sheaf; panels, and what gradients keep."""
    cdef Py_ssize_t steps = steps_of(rows)
    if lies_along(rows):
        return 0 if steps > PARTS_ALONG else 16 + 32 * steps * rows_in_sheaf(rows)
    return 0 if steps > PARTS else 16 + 128 * steps + 2 * panels_of(rows) * 16 * steps


cdef void fill_panels(const float *x, const Rows *rows, Py_ssize_t row, Py_ssize_t live, float *panels) noexcept nogil:
    """Rows that follow each other, 16 to a panel: there their entries lie side by side."""
    cdef Py_ssize_t j, l, n = rows.n, step = rows.inner, at = offset_of(rows, row)
    cdef const float *p
    if step > 1 and live % 16 == 0 and offset_of(rows, row + live - 1) == at + live - 1:
        gather_panels(x + at, n, step, live // 16, panels)
        return
    if step == 1:
        for l in range(live // 16):
            turn(x + at + l * 16 * n, n, panels + l * 16 * n)
    for l in range(live // 16 * 16 if step == 1 else 0, live):
        p = x + offset_of(rows, row + l)
        for j in range(n):
            panels[(l // 16 * n + j) * 16 + l % 16] = p[j * step]


cdef void empty_panels(const float *panels, const Rows *rows, Py_ssize_t row, Py_ssize_t live,
                       const unsigned int *done, float *y) noexcept nogil:
    cdef Py_ssize_t j, l, n = rows.n, step = rows.inner, at = offset_of(rows, row)
    cdef unsigned int all_done = 0xFFFF
    cdef float *p
    for l in range((live + 15) // 16):
        all_done &= done[l]
    if step > 1 and live % 16 == 0 and all_done == 0xFFFF and offset_of(rows, row + live - 1) == at + live - 1:
        scatter_panels(panels, n, step, live // 16, y + at)
        return
    for l in range(live):
        if step == 1 and done[l // 16] == 0xFFFF:
            if l % 16 == 0:
                turn_back(panels + l * n, n, y + at + l * n)
            continue
        if done[l // 16] >> l % 16 & 1:
            p = y + offset_of(rows, row + l)
            for j in range(n):
                p[j * step] = panels[(l // 16 * n + j) * 16 + l % 16]


cdef unsigned int light_strided(int kind, float sign, const float *x, float *y, const Rows *rows, Py_ssize_t row,
                                Py_ssize_t live) noexcept nogil:
    """Rows too long for panels, where they lie: as many at a time as are neighbours."""
    cdef Py_ssize_t lane = 0, run, at
    cdef unsigned int done = 0
    cdef Steps s
    while lane < live:
        run = rows.inner - (row + lane) % rows.inner
        run = run if run < live - lane else live - lane
        at = offset_of(rows, row + lane)
        s = steps_beside(x + at, rows.n, rows.inner, run, sign)
        done |= light_piece(kind, rows, &s, row + lane, run, x + at, y + at, rows.inner, 1, NULL) << lane
        lane += run
    return done


cdef void exact_gradients(int rule, float sign, float *g, const float *y, const double *total, int n) noexcept nogil:
    cdef int i
    if rule == PRODUCT_SUM:
        for i in range(n):
            g[i] = gradient(PRODUCT_SUM, g[i], y[i], total[i], sign, False)
    else:
        for i in range(n):
            g[i] = gradient(PLAIN_SUM, g[i], y[i], total[i], sign, False)


cdef void light_gradients(int kind, float sign, const Rows *rows, Py_ssize_t group, Py_ssize_t count, float *scratch,
                          unsigned int *done) noexcept nogil:
    cdef const float *g = <const float *>rows.at[0]
    cdef const float *y = <const float *>rows.at[1]
    cdef float *out = <float *>rows.at[2]
    cdef int rule = PRODUCT_SUM if kind == SOFTMAX_BACKWARD else PLAIN_SUM
    cdef bint along = lies_along(rows)
    cdef Py_ssize_t row = group * (1 if along else LANES), at = offset_of(rows, row), n = rows.n, k, live
    cdef float *panels_g
    cdef float *panels_y
    live = rows.outer * rows.inner - row
    live = live if live < count * LANES else count * LANES
    for k in range(count):
        done[k] = 1 if along else 0 if scratch == NULL else (1u << rows_in_group(rows, group + k)) - 1
    if along:
        row_gradients(rule, g + at, y + at, out + at, n, <int>count, sign, exact_gradients)
        return
    if scratch == NULL:
        return
    if rows.inner > 1 and live % 16 == 0 and offset_of(rows, row + live - 1) == at + live - 1:
        panel_gradients(rule, g + at, y + at, out + at, n, rows.inner, count, sign, exact_gradients, scratch)
        return
    panels_g = scratch + 128 * n
    panels_y = panels_g + 16 * n * panels_of(rows)
    fill_panels(g, rows, row, live, panels_g)
    fill_panels(y, rows, row, live, panels_y)
    for k in range(count):
        at = k * 16 * n
        panel_gradients(rule, panels_g + at, panels_y + at, panels_g + at, n, 16, 1, sign, exact_gradients, scratch)
    empty_panels(panels_g, rows, row, live, done, out)


cdef void light_groups(int kind, float sign, const Rows *rows, Py_ssize_t group, Py_ssize_t count, float *scratch,
                       unsigned int *done) noexcept nogil:
    """As many groups as there are panels, or less; for each the lanes that could be done, a bit each."""
    cdef const float *x = <const float *>rows.at[0]
    cdef float *y = <float *>rows.at[2 if kind == CROSS_ENTROPY_BACKWARD else 1]
    cdef Py_ssize_t row = group * LANES, left = rows.outer * rows.inner - row, k, at, live, size
    cdef float *panel
    cdef unsigned int lanes = 0
    cdef Steps s
    if kind <= LOG_SOFTMAX_BACKWARD:
        light_gradients(kind, sign, rows, group, count, scratch, done)
        return
    if lies_along(rows):
        size = rows_in_sheaf(rows)
        for k in range(count):
            if k % size == 0:
                at = (group + k) * rows.n
                live = count - k if count - k < size else size
                s = steps_along(x + at, rows.n, <int>live, sign)
                lanes = light_piece(kind, rows, &s, group + k, live, x + at, y + at, 1, rows.n, scratch)
            done[k] = lanes >> k % size & 1
        return
    left = left if left < count * LANES else count * LANES
    if scratch == NULL:
        for k in range(count):
            live = left - k * LANES if left - k * LANES < LANES else LANES
            done[k] = light_strided(kind, sign, x, y, rows, row + k * LANES, live)
        return
    fill_panels(x, rows, row, left, scratch + 32 * rows.n)
    for k in range(count):
        live = left - k * LANES if left - k * LANES < LANES else LANES
        panel = scratch + 32 * rows.n + k * LANES * rows.n
        s = steps_beside(panel, rows.n, LANES, live, sign)
        done[k] = light_piece(kind, rows, &s, row + k * LANES, live, panel, panel, LANES, 1, scratch)
    if kind != LOGSUMEXP and kind != CROSS_ENTROPY:
        empty_panels(scratch + 32 * rows.n, rows, row, left, done, y)


# ---- Softmax --------------------------------------------------------------------------------------------------

cdef void scaled_softmax(const T *x, T *y, const Rows *rows, Py_ssize_t group, bint scaled) noexcept nogil:
    """softmax, times the row's grad for logsumexp's backward."""
    cdef double v[CHUNK * LANES]
    cdef double top[LANES]
    cdef double rest[LANES]
    cdef double scale[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    survey(x, rows, group, True, v, top, rest)
    for l in range(LANES):
        scale[l] = (row_grad(rows, row_of(rows, group, l)) if scaled else 1.0) / (1.0 + rest[l])
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            reload_exponentials(x, rows, group, first, count, v, top)
        for j in range(count):
            for l in range(LANES):
                v[j * LANES + l] = v[j * LANES + l] * scale[l]
        clear_masked(rows, group, first, count, 0.0, v)
        store_chunk(y, rows, group, first, count, v)


cdef inline Py_ssize_t row_of(const Rows *rows, Py_ssize_t group, int lane) noexcept nogil:
    """The row of a lane; lanes beyond the last row repeat the group's first."""
    if lies_along(rows):
        return group
    return group * LANES + (lane if lane < rows_in_group(rows, group) else 0)


cdef inline double row_grad(const Rows *rows, Py_ssize_t row) noexcept nogil:
    if rows.grad == NULL:
        return rows.scale
    if rows.grad_type == b'f':
        return rows.scale * (<const float *>rows.grad)[row]
    return rows.scale * (<const double *>rows.grad)[row]


cdef void softmax_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    scaled_softmax(x, <T *>rows.at[1], rows, group, False)


cdef void softmax_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """y (g - sum(g y)) / temperature; at: g, y, out."""
    cdef double g[CHUNK * LANES]
    cdef double y[CHUNK * LANES]
    cdef double dot[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    if gradient_done(PRODUCT_SUM, grad, rows, group):
        return
    for l in range(LANES):
        dot[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                dot[l] += g[j * LANES + l] * y[j * LANES + l]
    if lies_along(rows):
        combine_sum(dot)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                g[j * LANES + l] = y[j * LANES + l] * (g[j * LANES + l] - dot[l]) / rows.temperature
        store_chunk(<T *>rows.at[2], rows, group, first, count, g)


cdef void load_pair(const T *grad, const T *y, const Rows *rows, Py_ssize_t group, Py_ssize_t first,
                    Py_ssize_t count, double *g, double *v) noexcept nogil:
    """Gradient and output of a chunk; masked entries have no gradient."""
    load_chunk(grad, rows, group, first, count, 0.0, g)
    load_chunk(y, rows, group, first, count, 0.0, v)
    clear_masked(rows, group, first, count, 0.0, g)


cdef inline Rows negated(const Rows *rows) noexcept nogil:
    """softmin(x) is softmax(-x): the sign comes in with a negative temperature."""
    cdef Rows turned = rows[0]
    turned.temperature = -rows.temperature
    return turned


cdef void softmin_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    cdef Rows turned = negated(rows)
    softmax_group(x, &turned, group)


cdef void softmin_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    cdef Rows turned = negated(rows)
    softmax_backward_group(grad, &turned, group)


cdef void softmax1_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """exp(x) / (1 + sum(exp(x))), by rows.quiet; the 1 changes nothing in how the gradient follows from the output."""
    softmax_group(x, rows, group)


cdef void softmax1_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    softmax_backward_group(grad, rows, group)


# ---- Log-softmax and log-sum-exp ------------------------------------------------------------------------------

cdef void log_softmax_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """(x - top) / temperature - log1p(rest): both parts are <= 0, so nothing cancels."""
    cdef double v[CHUNK * LANES]
    cdef double top[LANES]
    cdef double rest[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    survey(x, rows, group, False, v, top, rest)
    for l in range(LANES):
        rest[l] = log1p_positive(rest[l])
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_entries(x, rows, group, first, count, v)
            subtract_top(rows, count, top, v)
        for j in range(count):
            for l in range(LANES):
                v[j * LANES + l] = v[j * LANES + l] - rest[l]
        clear_masked(rows, group, first, count, -INFINITY, v)
        store_chunk(<T *>rows.at[1], rows, group, first, count, v)


cdef void log_softmax_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """(g - exp(y) sum(g)) / temperature; at: g, y, out."""
    cdef double g[CHUNK * LANES]
    cdef double y[CHUNK * LANES]
    cdef double total[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    if gradient_done(PLAIN_SUM, grad, rows, group):
        return
    for l in range(LANES):
        total[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                total[l] += g[j * LANES + l]
    if lies_along(rows):
        combine_sum(total)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                g[j * LANES + l] = (g[j * LANES + l] - row_exp(<T>0, y[j * LANES + l]) * total[l]) / rows.temperature
        clear_masked(rows, group, first, count, 0.0, g)
        store_chunk(<T *>rows.at[2], rows, group, first, count, g)


cdef void logsumexp_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """at: x, out with one entry per row."""
    cdef double v[CHUNK * LANES]
    cdef double top[LANES]
    cdef double rest[LANES]
    cdef Py_ssize_t row = group if lies_along(rows) else group * LANES
    cdef int l
    survey(x, rows, group, False, v, top, rest)
    for l in range(rows_in_group(rows, group)):
        if rows.skip >> l & 1:
            continue
        if top[l] == INFINITY or top[l] == -INFINITY:
            # The sum is inf or 0, unless a NaN hides among its terms.
            (<T *>rows.at[1])[row + l] = <T>top_or_nan(x, rows, row + l, top[l])
        else:
            (<T *>rows.at[1])[row + l] = <T>(top[l] + log1p_positive(rest[l]))


cdef double top_or_nan(const T *x, const Rows *rows, Py_ssize_t row, double top) noexcept nogil:
    cdef Py_ssize_t j, at = offset_of(rows, row)
    for j in range(rows.n):
        if x[at] != x[at] and (rows.keep == NULL or rows.keep[at]):
            return x[at]
        at += rows.inner
    return top


cdef void logsumexp_backward_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    scaled_softmax(x, <T *>rows.at[1], rows, group, True)


cdef void logmeanexp_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """log(1 + mean(exp(entry - top) - 1)) + top, so that a row of equal entries is one of them; at: x, out.

    Where the mean is next to -1, its logarithm is that of the sum, less that of how many there are.
    """
    cdef double v[CHUNK * LANES]
    cdef unsigned char keep[CHUNK * LANES]
    cdef double top[LANES]
    cdef double rest[LANES]
    cdef double below[LANES]
    cdef double count[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, here, i
    cdef Py_ssize_t row = group if lies_along(rows) else group * LANES
    cdef double mean
    cdef int l
    survey(x, rows, group, False, v, top, rest)
    for l in range(LANES):
        below[l] = 0.0
        count[l] = 0.0
    for first in range(0, steps, 256):
        here = chunk_size(steps, first)
        if steps > CHUNK:
            load_entries(x, rows, group, first, here, v)
            subtract_top(rows, here, top, v)
        load_keep(rows, group, first, here, keep)
        for i in range(here):
            for l in range(LANES):
                count[l] += keep[i * LANES + l]
                below[l] += expm1(v[i * LANES + l]) if keep[i * LANES + l] else 0.0
    if lies_along(rows):
        combine_sum(below)
        combine_sum(count)
    for l in range(rows_in_group(rows, group)):
        if rows.skip >> l & 1:
            continue
        if top[l] == INFINITY or top[l] == -INFINITY:
            (<T *>rows.at[1])[row + l] = <T>top_or_nan(x, rows, row + l, top[l])
            continue
        mean = below[l] / count[l]
        mean = log_near_one(mean) if mean > -0.25 else log1p_positive(rest[l]) - log1p_positive(count[l] - 1.0)
        (<T *>rows.at[1])[row + l] = <T>(top[l] + mean)


cdef void logmeanexp_backward_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    logsumexp_backward_group(x, rows, group)


# ---- Standardize ----------------------------------------------------------------------------------------------
# The mean is a sum of two doubles: equal entries are the mean to the last digit, and no offset costs any. What a mask
# hides is 0, and is not counted. epsilon comes as the temperature.

cdef struct Moments:
    double scale[LANES]         # 2^-530 for rows whose squares would overflow, or 1
    double count[LANES]
    double mean[LANES]          # of scaled entries
    double mean_low[LANES]
    double deviation[LANES]     # of scaled entries


cdef void load_kept(const T *x, const Rows *rows, Py_ssize_t group, Py_ssize_t first, Py_ssize_t count,
                    const double *scale, double *v, unsigned char *keep) noexcept nogil:
    cdef Py_ssize_t j
    cdef int l
    load_chunk(x, rows, group, first, count, 0.0, v)
    load_keep(rows, group, first, count, keep)
    for j in range(count):
        for l in range(LANES):
            v[j * LANES + l] = v[j * LANES + l] * scale[l] if keep[j * LANES + l] else 0.0


cdef inline double from_mean(double x, double mean, double mean_low) noexcept nogil:
    cdef Pair d = exact_sum(x, -mean)
    return d.hi + (d.lo - mean_low)


cdef void add_exactly(double *total, double *rest, double x) noexcept nogil:
    cdef Pair s = exact_sum(total[0], x)
    total[0] = s.hi
    rest[0] += s.lo


cdef void find_mean(const T *x, const Rows *rows, Py_ssize_t group, Moments *m) noexcept nogil:
    """The mean and what it lacks, which is the mean of what is left."""
    cdef double v[CHUNK * LANES]
    cdef unsigned char keep[CHUNK * LANES]
    cdef double total[LANES]
    cdef double rest[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j, i
    cdef Pair c, d
    cdef int l
    for l in range(LANES):
        total[l] = rest[l] = m.count[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_kept(x, rows, group, first, count, m.scale, v, keep)
        for j in range(count):
            for l in range(LANES):
                total[l] += v[j * LANES + l]
                m.count[l] += keep[j * LANES + l]
    if lies_along(rows):
        combine_sum(total)
        combine_sum(m.count)
    for l in range(LANES):
        m.mean[l] = total[l] / m.count[l]
        total[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_kept(x, rows, group, first, count, m.scale, v, keep)
        for j in range(count):
            for l in range(LANES):
                i = j * LANES + l
                d = exact_sum(v[i], -m.mean[l])
                rest[l] += d.lo if keep[i] else 0.0
                add_exactly(&total[l], &rest[l], d.hi if keep[i] else 0.0)
    if lies_along(rows):
        for l in range(1, LANES):
            add_exactly(&total[0], &rest[0], total[l])
            rest[0] += rest[l]
        for l in range(1, LANES):
            total[l] = total[0]
            rest[l] = rest[0]
    for l in range(LANES):
        c = quotient(exact_sum(total[l], rest[l]), pair(m.count[l], 0.0))
        d = exact_sum(m.mean[l], c.hi)
        m.mean[l] = d.hi
        m.mean_low[l] = d.lo + c.lo


cdef void find_moments(const T *x, const Rows *rows, Py_ssize_t group, Moments *m) noexcept nogil:
    cdef double v[CHUNK * LANES]
    cdef unsigned char keep[CHUNK * LANES]
    cdef double top[LANES]
    cdef double squares[LANES]
    cdef double rest[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j, i
    cdef double d
    cdef int l
    for l in range(LANES):
        m.scale[l] = 1.0
        top[l] = squares[l] = rest[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_kept(x, rows, group, first, count, m.scale, v, keep)
        for j in range(count):
            for l in range(LANES):
                d = c_fabs(v[j * LANES + l])
                top[l] = d if d > top[l] else top[l]
    if lies_along(rows):
        combine_max(top)
    for l in range(LANES):
        m.scale[l] = 2.8451311993408992e-160 if top[l] > 1e140 else 1.0
    find_mean(x, rows, group, m)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_kept(x, rows, group, first, count, m.scale, v, keep)
        for j in range(count):
            for l in range(LANES):
                i = j * LANES + l
                d = from_mean(v[i], m.mean[l], m.mean_low[l]) if keep[i] else 0.0
                add_exactly(&squares[l], &rest[l], d * d)
    for l in range(LANES):
        squares[l] += rest[l]
    if lies_along(rows):
        combine_sum(squares)
    for l in range(LANES):
        # Of numbers that large only equal ones do not outweigh epsilon.
        d = squares[l] / m.count[l] + (rows.temperature if m.scale[l] == 1.0 else 0.0)
        m.deviation[l] = sqrt(rows.temperature) * m.scale[l] if d == 0.0 else sqrt(d)


cdef void standardize_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """at: x, out."""
    cdef double v[CHUNK * LANES]
    cdef unsigned char keep[CHUNK * LANES]
    cdef Moments m
    cdef Py_ssize_t steps = steps_of(rows), first, count, j, i
    cdef int l
    find_moments(x, rows, group, &m)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_kept(x, rows, group, first, count, m.scale, v, keep)
        for j in range(count):
            for l in range(LANES):
                i = j * LANES + l
                v[i] = from_mean(v[i], m.mean[l], m.mean_low[l]) / m.deviation[l]
        clear_masked(rows, group, first, count, 0.0, v)
        store_chunk(<T *>rows.at[1], rows, group, first, count, v)


cdef void standardize_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """(g - mean(g) - y mean((g - mean(g)) y)) / deviation for y = (x - mean) / deviation; at: g, x, out."""
    cdef double v[CHUNK * LANES]
    cdef double g[CHUNK * LANES]
    cdef unsigned char keep[CHUNK * LANES]
    cdef Moments m, of_grad
    cdef double dot[LANES]
    cdef const T *x = <const T *>rows.at[1]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j, i
    cdef int l, turn
    find_moments(x, rows, group, &m)
    for l in range(LANES):
        of_grad.scale[l] = 1.0
        dot[l] = 0.0
    find_mean(grad, rows, group, &of_grad)
    for turn in range(2):
        for first in range(0, steps, 256):
            count = chunk_size(steps, first)
            load_kept(x, rows, group, first, count, m.scale, v, keep)
            load_kept(grad, rows, group, first, count, of_grad.scale, g, keep)
            for j in range(count):
                for l in range(LANES):
                    i = j * LANES + l
                    v[i] = from_mean(v[i], m.mean[l], m.mean_low[l]) / m.deviation[l]
                    g[i] = from_mean(g[i], of_grad.mean[l], of_grad.mean_low[l])
                    if turn == 0:
                        dot[l] += g[i] * v[i] if keep[i] else 0.0
                    else:
                        g[i] = (g[i] - v[i] * dot[l]) / m.deviation[l] * m.scale[l]
            if turn == 1:
                clear_masked(rows, group, first, count, 0.0, g)
                store_chunk(<T *>rows.at[2], rows, group, first, count, g)
        if turn == 0:
            if lies_along(rows):
                combine_sum(dot)
            for l in range(LANES):
                dot[l] /= of_grad.count[l]


# ---- Sparsemax ------------------------------------------------------------------------------------------------

cdef void sparsemax_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """max(x - tau, 0) with tau such that the row sums to 1.

    tau starts at top - 1, which is never too high, and each pass moves it to where the entries above it would sum
    to 1; when their number stays, it is exact (Michelot's projection onto the simplex).
    """
    cdef double v[CHUNK * LANES]
    cdef double top[LANES]
    cdef double tau[LANES]
    cdef double total[LANES]
    cdef double above[LANES]
    cdef double before[LANES]
    cdef double d
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    cdef bint settled = False
    for l in range(LANES):
        top[l] = -INFINITY
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_entries(x, rows, group, first, count, v)
        for j in range(count):
            for l in range(LANES):
                d = v[j * LANES + l]
                top[l] = d if d > top[l] or d != d else top[l]
    if lies_along(rows):
        combine_top(top)
    for l in range(LANES):
        tau[l] = -1.0
        before[l] = -1.0
    while not settled:
        for l in range(LANES):
            total[l] = 0.0
            above[l] = 0.0
        for first in range(0, steps, 256):
            count = chunk_size(steps, first)
            if steps > CHUNK:
                load_entries(x, rows, group, first, count, v)
            for j in range(count):
                for l in range(LANES):
                    d = v[j * LANES + l] - top[l]
                    above[l] += 1.0 if d > tau[l] else 0.0
                    total[l] += d if d > tau[l] else 0.0
        if lies_along(rows):
            combine_sum(total)
            combine_sum(above)
        settled = True
        for l in range(LANES):
            # A row with NaN or infinities never has an entry above tau; its top makes the output NaN.
            tau[l] = (total[l] - 1.0) / above[l] if above[l] > 0 else tau[l]
            settled = settled and above[l] == before[l]
            before[l] = above[l]
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_entries(x, rows, group, first, count, v)
        for j in range(count):
            for l in range(LANES):
                d = (v[j * LANES + l] - top[l]) - tau[l]
                v[j * LANES + l] = top[l] - top[l] if d <= 0.0 else d
        clear_masked(rows, group, first, count, 0.0, v)
        store_chunk(<T *>rows.at[1], rows, group, first, count, v)


cdef void combine_top(double *lanes) noexcept nogil:
    """The maximum, or NaN if there is one."""
    cdef int l
    for l in range(1, LANES):
        lanes[0] = lanes[l] if lanes[l] > lanes[0] or lanes[l] != lanes[l] else lanes[0]
    for l in range(1, LANES):
        lanes[l] = lanes[0]


cdef void sparsemax_backward_group(const T *grad, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """g - mean(g) over the entries with y > 0; at: g, y, out."""
    cdef double d
    cdef double g[CHUNK * LANES]
    cdef double y[CHUNK * LANES]
    cdef double total[LANES]
    cdef double support[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    for l in range(LANES):
        total[l] = 0.0
        support[l] = 0.0
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                total[l] += 0.0 if y[j * LANES + l] <= 0.0 else g[j * LANES + l]
                support[l] += 0.0 if y[j * LANES + l] <= 0.0 else 1.0
    if lies_along(rows):
        combine_sum(total)
        combine_sum(support)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_pair(grad, <T *>rows.at[1], rows, group, first, count, g, y)
        for j in range(count):
            for l in range(LANES):
                # y - y passes on a NaN of the output.
                d = g[j * LANES + l] - total[l] / support[l] + (y[j * LANES + l] - y[j * LANES + l])
                g[j * LANES + l] = flat_left(g[j * LANES + l]) if y[j * LANES + l] <= 0.0 else d
        store_chunk(<T *>rows.at[2], rows, group, first, count, g)


include "_sparse_rows.pxi"


# ---- Cross-entropy --------------------------------------------------------------------------------------------
# With a = weight * target, smoothed, the loss of a row is sum(a (log(sum exp x) - x)), its gradient
# p sum(a) - a. For the largest entry p - 1 = -rest / (1 + rest) is known to the last digit, and is used.

cdef void weighted_target(const T *probabilities, const Rows *rows, Py_ssize_t group, Py_ssize_t first,
                          Py_ssize_t count, double *a) noexcept nogil:
    """a for a chunk; 0 in lanes without an entry and in rows that are ignored."""
    cdef Py_ssize_t j, entry, label
    cdef int l
    cdef double w, share = rows.smoothing / rows.n
    if rows.labels == NULL:
        load_chunk(probabilities, rows, group, first, count, 0.0, a)
    for j in range(count):
        for l in range(LANES):
            entry = (first + j) * LANES + l if lies_along(rows) else first + j
            if entry >= rows.n:
                a[j * LANES + l] = 0.0
                continue
            w = rows.weight[entry] if rows.weight != NULL else 1.0
            if rows.labels == NULL:
                a[j * LANES + l] = w * ((1.0 - rows.smoothing) * a[j * LANES + l] + share)
            else:
                label = label_at(rows, row_of(rows, group, l))
                a[j * LANES + l] = (0.0 if label == rows.ignore else
                                    w * ((1.0 - rows.smoothing if entry == label else 0.0) + share))


cdef inline long long given_label(const Rows *rows, Py_ssize_t row) noexcept nogil:
    return (<const int *>rows.labels)[row] if rows.short_labels else (<const long long *>rows.labels)[row]


cdef inline long long label_at(const Rows *rows, Py_ssize_t row) noexcept nogil:
    """A class or the label to ignore, read once: another thread may have changed labels since they were checked."""
    cdef long long label
    if rows.short_labels:
        label = (<const volatile int *>rows.labels)[row]
    else:
        label = (<const volatile long long *>rows.labels)[row]
    return label if <unsigned long long>label < <unsigned long long>rows.n else rows.ignore


cdef void cross_entropy_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """at: x, probabilities or NULL, out with one double per row."""
    cdef double v[CHUNK * LANES]
    cdef double a[CHUNK * LANES]
    cdef double top[LANES]
    cdef double rest[LANES]
    cdef double loss[LANES]
    cdef Py_ssize_t steps = steps_of(rows), first, count, j, label
    cdef Py_ssize_t row = group if lies_along(rows) else group * LANES
    cdef int l
    survey(x, rows, group, False, v, top, rest)
    for l in range(LANES):
        rest[l] = log1p_positive(rest[l])
        loss[l] = 0.0
    if rows.labels != NULL and rows.smoothing == 0.0:
        for l in range(rows_in_group(rows, group)):
            label = label_at(rows, row_of(rows, group, l))
            if label != rows.ignore and (rows.weight == NULL or rows.weight[label] != 0.0):
                loss[l] = rest[l] + (top[l] - x[offset_of(rows, row + l) + label * rows.inner])
                loss[l] *= rows.weight[label] if rows.weight != NULL else 1.0
    else:
        for first in range(0, steps, 256):
            count = chunk_size(steps, first)
            if steps > CHUNK:
                load_entries(x, rows, group, first, count, v)
                subtract_top(rows, count, top, v)
            weighted_target(<const T *>rows.at[1], rows, group, first, count, a)
            for j in range(count):
                for l in range(LANES):
                    # A class of no weight has no loss, even where its logit is -infinity.
                    loss[l] += (0.0 if a[j * LANES + l] == 0.0
                                else a[j * LANES + l] * (rest[l] - v[j * LANES + l]))
        if lies_along(rows):
            combine_sum(loss)
    for l in range(rows_in_group(rows, group)):
        if rows.skip >> l & 1:
            continue
        (<double *>rows.at[2])[row + l - rows.first_loss] = loss[l]


cdef void cross_entropy_backward_group(const T *x, const Rows *rows, Py_ssize_t group) noexcept nogil:
    """at: x, probabilities or NULL, out."""
    cdef double v[CHUNK * LANES]
    cdef double a[CHUNK * LANES]
    cdef double top[LANES]
    cdef double rest[LANES]
    cdef double total[LANES]
    cdef double grad[LANES]
    cdef double p
    cdef Py_ssize_t steps = steps_of(rows), first, count, j
    cdef int l
    survey(x, rows, group, False, v, top, rest)
    for l in range(LANES):
        total[l] = 0.0
        grad[l] = row_grad(rows, row_of(rows, group, l))
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        weighted_target(<const T *>rows.at[1], rows, group, first, count, a)
        for j in range(count):
            for l in range(LANES):
                total[l] += a[j * LANES + l]
    if lies_along(rows):
        combine_sum(total)
    for first in range(0, steps, 256):
        count = chunk_size(steps, first)
        if steps > CHUNK:
            load_entries(x, rows, group, first, count, v)
            subtract_top(rows, count, top, v)
            weighted_target(<const T *>rows.at[1], rows, group, first, count, a)
        for j in range(count):
            for l in range(LANES):
                p = row_exp(<T>0, v[j * LANES + l]) / (1.0 + rest[l])
                p = (p * total[l] - a[j * LANES + l] if v[j * LANES + l] != 0.0 else
                     (total[l] - a[j * LANES + l]) - total[l] * (rest[l] / (1.0 + rest[l])))
                v[j * LANES + l] = 0.0 if total[l] == 0.0 else grad[l] * p
        store_chunk(<T *>rows.at[2], rows, group, first, count, v)


# ---- Running them ---------------------------------------------------------------------------------------------

cdef struct RowKernel:
    FloatGroup single
    DoubleGroup wide

cdef struct RowCall:
    RowKernel kernel
    Rows rows
    bint wide
    int light           # what float rows can do of it, or HEAVY
    float sign          # of the entries: -1 for softmin
    double *totals      # a sum of losses per block of groups, or NULL: each goes to the output

cdef enum:
    MAX_BLOCK = 256     # rows of a block at most

cdef RowKernel row_kernels[32]
row_kernel_index = {}


cdef int register_rows(str name, FloatGroup single, DoubleGroup wide) except -1:
    cdef int index = len(row_kernel_index)
    row_kernels[index].single = single
    row_kernels[index].wide = wide
    row_kernel_index[name] = index
    return 0


cdef inline Py_ssize_t groups_of(const Rows *rows) noexcept nogil:
    cdef Py_ssize_t count = rows.outer * rows.inner
    return count if lies_along(rows) else (count + LANES - 1) // LANES


cdef inline Py_ssize_t groups_in_block(const Rows *rows) noexcept nogil:
    """So many that a block has at least 4096 entries: a matter of the shape, not of the number of threads."""
    cdef Py_ssize_t most = MAX_BLOCK if lies_along(rows) else MAX_BLOCK // LANES
    cdef Py_ssize_t entries = rows.n if lies_along(rows) else rows.n * LANES
    cdef Py_ssize_t enough = 4096 // entries + 1 if entries > 0 else 1
    enough = enough if enough < most else most
    return round_up(enough, panels_of(rows))


cdef void run_groups(const RowCall *call, Py_ssize_t start, Py_ssize_t stop, float *scratch) noexcept nogil:
    cdef Rows rows = call.rows
    cdef Py_ssize_t panels = panels_of(&rows), first, count, k
    cdef unsigned int done[PANELS]
    cdef bint light = not call.wide and is_light(call.light, &rows)
    first = start
    while first < stop:
        count = stop - first if stop - first < panels else panels
        if light:
            light_groups(call.light, call.sign, &rows, first, count, scratch, done)
        for k in range(count):
            rows.skip = done[k] if light else 0
            if rows.skip == (1u << rows_in_group(&rows, first + k)) - 1:
                continue
            if call.wide:
                call.kernel.wide(<const double *>rows.at[0], &rows, first + k)
            else:
                call.kernel.single(<const float *>rows.at[0], &rows, first + k)
        first += count


cdef void run_blocks(const void *context, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
    cdef RowCall call = (<const RowCall *>context)[0]
    cdef Py_ssize_t groups = groups_of(&call.rows), size = groups_in_block(&call.rows), block, end, k, rows
    cdef double losses[MAX_BLOCK]
    # Without memory rows are done where they lie, which only takes longer.
    cdef float *memory = <float *>malloc(scratch_of(&call.rows) * sizeof(float))
    cdef float *scratch = line_start(memory) if memory != NULL and scratch_of(&call.rows) > 0 else NULL
    for block in range(start, stop):
        end = (block + 1) * size if (block + 1) * size < groups else groups
        if call.totals != NULL:
            call.rows.at[2] = losses
            call.rows.first_loss = block * size * (1 if lies_along(&call.rows) else LANES)
        run_groups(&call, block * size, end, scratch)
        if call.totals != NULL:
            rows = call.rows.outer * call.rows.inner - call.rows.first_loss
            call.totals[block] = 0.0
            for k in range(rows if end == groups else (end - block * size) * (1 if lies_along(&call.rows) else LANES)):
                call.totals[block] += losses[k]
    free(memory)


cdef double run_all_rows(RowCall *call, bint reduced) except? -1.0:
    """Run a kernel over all rows; where `reduced`, the sum of the losses, which are then not stored."""
    cdef Py_ssize_t size = groups_in_block(&call.rows), blocks = (groups_of(&call.rows) + size - 1) // size, k
    cdef status_t status
    cdef double total = 0.0
    cdef int threads
    call.totals = NULL
    if reduced:
        call.totals = <double *>malloc((blocks + 1) * sizeof(double))
        if call.totals == NULL:
            raise MemoryError()
    with nogil:
        status = status_save()
        threads = threads_for(call.rows.outer * call.rows.n * call.rows.inner, 16384)
        if blocks < threads:
            threads = <int>blocks
        if threads > 1:
            in_parallel(run_blocks, call, blocks, 1, threads)
        else:
            run_blocks(call, 0, blocks)
        if reduced:
            for k in range(blocks):
                total += call.totals[k]
            free(call.totals)
        status_restore(status)
    return total


cdef void prepare_call(RowCall *call, str name, bint wide):
    memset(call, 0, sizeof(RowCall))
    call.kernel = row_kernels[<int>row_kernel_index[name]]
    call.wide = wide
    call.light = light_kinds.get(name, HEAVY)
    call.sign = -1.0 if name in ("softmin", "softmin_backward") else 1.0
    call.rows.quiet = name == "softmax1"
    call.rows.temperature = 1.0
    call.rows.scale = 1.0
    call.rows.grad_type = b'd'


cdef const void *address(object array):
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)


def run_rows(str name, tuple geometry, tuple arrays, *, mask=None, double temperature=1.0, labels=None,
             long long ignore=0, weight=None, double smoothing=0.0, grad=None):
    """Run a kernel over all rows; the sum of the losses where cross-entropy has no array for each.

    `geometry` is (outer, n, inner); `arrays` are C-contiguous, of one dtype (float32 or float64) where they hold
    entries, and in the order that the kernel's docstring says. Nothing is checked here.
    """
    cdef RowCall call
    cdef int k
    prepare_call(&call, name, arrays[0].dtype == np.float64)
    call.rows.outer, call.rows.n, call.rows.inner = geometry
    for k in range(len(arrays)):
        call.rows.at[k] = <void *>address(arrays[k])
    call.rows.keep = <const unsigned char *>address(mask)
    call.rows.temperature = temperature
    call.rows.labels = address(labels)
    call.rows.ignore = ignore
    call.rows.weight = <const double *>address(weight)
    call.rows.smoothing = smoothing
    call.rows.grad = address(grad)
    return run_all_rows(&call, arrays[len(arrays) - 1] is None)


include "_plain.pxi"
