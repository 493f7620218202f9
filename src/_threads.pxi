# Threads: one parallel region, and how the work is shared out in it.
#
# a) in_parallel opens the only parallel region, which is in _openmp.pyx: a module of its own, without which all this
#    runs on one thread. Each thread begins with its own share, whose data its cache may still hold, and then takes
#    pieces that others have not begun: a thread that the system lets wait costs what it has begun.
# b) The region ends when all threads have come. One that was woken on the caller's processor can not, as long as the
#    caller runs: so the caller gives way, and the other one moves to another processor. The kernel leaves them there
#    for tens of milliseconds, where it takes a virtual processor that idles for one that does not run.
# c) A child of fork() stays serial: libgomp's threads do not survive fork(), and whoever waits for them hangs.
# d) Threads of Python, or of another library's parallel region, may all call at once. Together they have as many
#    helpers as one call alone would have, and who finds them taken works alone. libgomp keeps a pool of threads for
#    every thread that ever had helpers, as long as that lives: so only the first MOST_POOLS of those alive get any.

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport memset

include "_team.pxi"

cdef extern from *:
    """
    /* The processor that runs this, or -1; let others run here; go to another processor, if there is one. */
    #ifdef __linux__
    #include <sched.h>
    static int processor(void) { return sched_getcpu(); }
    static void give_way(void) { sched_yield(); }
    static void move_on(void) {
        cpu_set_t all, others;
        if (sched_getaffinity(0, sizeof all, &all) != 0)
            return;
        others = all;
        CPU_CLR(sched_getcpu(), &others);
        if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
            sched_setaffinity(0, sizeof all, &all);
    }
    #else
    static int processor(void) { return -1; }
    static void give_way(void) {}
    static void move_on(void) {}
    #endif

    /* Both return what was there before. */
    #ifdef _MSC_VER
    #include <intrin.h>
    static int add_to(volatile int *count, int n) { return _InterlockedExchangeAdd((volatile long *)count, n); }
    static int read_shared(volatile int *count) { return *count; }
    static void write_shared(volatile int *count, int n) { *count = n; }
    #else
    static int add_to(volatile int *count, int n) { return __atomic_fetch_add(count, n, __ATOMIC_RELAXED); }
    static int read_shared(volatile int *count) { return __atomic_load_n(count, __ATOMIC_RELAXED); }
    static void write_shared(volatile int *count, int n) { __atomic_store_n(count, n, __ATOMIC_RELAXED); }
    #endif
    static int add_one(volatile int *count) { return add_to(count, 1); }

    /* Threads that help somebody now. */
    static int helpers = 0;
    static int take_helpers(int wanted, int most) {
        const int left = most - add_to(&helpers, wanted), got = left < 0 ? 0 : left < wanted ? left : wanted;
        add_to(&helpers, got - wanted);
        return got;
    }
    static void return_helpers(int count) { add_to(&helpers, -count); }

    /* Threads that live and have had helpers. */
    enum { MOST_POOLS = 8 };
    static int forked = 0;
    #ifndef _WIN32
    #include <pthread.h>
    static int pools = 0, pools_are_counted = 0;
    static pthread_key_t has_pool;
    static void mark_child(void) { forked = 1; }
    static void end_pool(void *mark) { add_to((int *)mark, -1); }
    static void watch_threads(void) {
        pthread_atfork(NULL, NULL, mark_child);
        pools_are_counted = pthread_key_create(&has_pool, end_pool) == 0;
    }
    static int may_have_pool(void) {
        if (!pools_are_counted || pthread_getspecific(has_pool) != NULL)
            return 1;
        if (add_to(&pools, 1) < MOST_POOLS && pthread_setspecific(has_pool, &pools) == 0)
            return 1;
        add_to(&pools, -1);
        return 0;
    }

    /* How many threads a team of so many can have: OpenMP ends the process where it cannot start one, so whether the
       system has room for those that this thread's last team did not have is tried first. */
    static void *pass(void *gate) {
        pthread_mutex_lock((pthread_mutex_t *)gate);
        pthread_mutex_unlock((pthread_mutex_t *)gate);
        return NULL;
    }
    static int startable(int threads) {
        enum { MOST_TRIED = 1024 };
        static __thread int team = 1;
        pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
        pthread_t tried[MOST_TRIED];
        int more = 0, k;
        if (threads > team) {
            pthread_mutex_lock(&gate);
            while (more < MOST_TRIED && team + more < threads && pthread_create(&tried[more], NULL, pass, &gate) == 0)
                more++;
            pthread_mutex_unlock(&gate);
            for (k = 0; k < more; k++)
                pthread_join(tried[k], NULL);
            threads = team + more;
        }
        return team = threads;
    }
    #else
    static void watch_threads(void) {}
    static int may_have_pool(void) { return 1; }
    static int startable(int threads) { return threads; }
    #endif
    """
    int forked
    int processor() nogil
    void give_way() nogil
    void move_on() nogil
    int add_one(volatile int *count) nogil
    int read_shared(volatile int *count) nogil
    void write_shared(volatile int *count, int n) nogil
    int take_helpers(int wanted, int most) nogil
    void return_helpers(int count) nogil
    bint may_have_pool() nogil
    int startable(int threads) nogil
    void watch_threads()

cdef enum:
    PIECES = 4          # of each thread's share
    MOST_SHARES = 1024  # and threads

ctypedef void (*Body)(const void *context, Py_ssize_t start, Py_ssize_t stop) noexcept nogil

cdef struct Work:
    Body body
    const void *context
    Py_ssize_t n
    Py_ssize_t share            # of a thread, and
    Py_ssize_t piece            # a piece of it: multiples of what the body asks for
    int shares
    int processor               # the caller's
    int arrived                 # threads that have come
    int begun[MOST_SHARES]      # pieces of each share that somebody has begun

cdef int thread_limit = 0
# Where there is OpenMP; or why there is none, for which a missing runtime is enough.
cdef const Team *team = NULL
why_serial = ""
try:
    from actfn._openmp import team as _offered
    team = <const Team *>PyCapsule_GetPointer(_offered, "actfn.team")
except ModuleNotFoundError:
    why_serial = "built without OpenMP"
except ImportError as error:
    why_serial = f"OpenMP cannot be loaded: {error}"


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return (n + multiple - 1) // multiple * multiple


cdef int usable_threads() noexcept nogil:
    """How many threads a call may use now: asked each time, because threadpoolctl may have changed it."""
    if team == NULL or forked or team.is_at_work():
        return 1
    cdef int most = team.most_threads(), limit = read_shared(&thread_limit)
    most = limit if 0 < limit < most else most
    return most if most < MOST_SHARES else MOST_SHARES


cdef int threads_for(Py_ssize_t n, Py_ssize_t grain) noexcept nogil:
    cdef Py_ssize_t worth = n // grain
    if worth < 2:
        return 1
    cdef int usable = usable_threads()
    return <int>worth if worth < usable else usable


cdef void take_pieces(Work *work, int thread) noexcept nogil:
    """Pieces of the thread's own share, then of the others'."""
    cdef Py_ssize_t first, end, start
    cdef int k, owner
    for k in range(work.shares):
        owner = (thread + k) % work.shares
        first = owner * work.share
        end = first + work.share if first + work.share < work.n else work.n
        start = first + add_one(&work.begun[owner]) * work.piece
        while start < end:
            work.body(work.context, start, start + work.piece if start + work.piece < end else end)
            start = first + add_one(&work.begun[owner]) * work.piece


cdef void join_in(void *context, int thread, int threads) noexcept nogil:
    cdef Work *work = <Work *>context
    cdef int patience
    cdef status_t status = status_save()
    add_one(&work.arrived)
    if thread > 0 and work.processor >= 0 and processor() == work.processor:
        move_on()
    take_pieces(work, thread)
    if thread == 0:
        for patience in range(100):
            if read_shared(&work.arrived) >= threads:
                break
            give_way()
    status_restore(status)


cdef void in_parallel(Body body, const void *context, Py_ssize_t n, Py_ssize_t multiple, int threads) noexcept nogil:
    """body over 0 ... n - 1, in pieces that are multiples of `multiple`, by so many threads or fewer."""
    cdef Work work
    cdef int helpers = take_helpers(threads - 1, usable_threads() - 1) if may_have_pool() else 0
    threads = startable(1 + helpers)
    if threads == 1:
        body(context, 0, n)
        return_helpers(helpers)
        return
    work.body, work.context, work.n = body, context, n
    work.shares = threads
    work.share = round_up((n + work.shares - 1) // work.shares, multiple)
    work.piece = round_up((work.share + PIECES - 1) // PIECES, multiple)
    work.processor = processor()
    work.arrived = 0
    memset(work.begun, 0, work.shares * sizeof(int))
    team.run(join_in, &work, threads)
    return_helpers(helpers)


def get_num_threads() -> int:
    return usable_threads()


def set_num_threads(int n) -> None:
    write_shared(&thread_limit, n)
