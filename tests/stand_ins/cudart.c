/* Stands in for libcudart.so of CUDA_VERSION: "device" memory is host memory of its own, poisoned; work on a stream runs
 * when the stream is synchronised, as late as a GPU may run it. Whatever is freed twice or was never made is an error.
 * cudart.py drives it by the functions named fake_*. */
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 1, MEMORY = 2, DRIVER = 35, ILLEGAL = 700, CAPTURE = 900, INVALIDATED = 901 };
enum { DEVICE, HOST, STREAM, GRAPH, INSTANCE, EVENT, KINDS };
enum { POISON = 0xCD };

struct work {
    struct work *next;
    void *target;
    const void *source;
    size_t size;
    void (*callback)(void);
};

struct thing {
    struct thing *next;
    int kind, capturing;
    size_t size;
    char *memory;
    struct work *work, *captured;
};

struct call {
    char name[48];
    int count, fail_at, status;
};

static struct thing *things;
static struct call calls[64];
static int live[KINDS], sticky, driver = CUDA_VERSION;

static struct call *named(const char *name) {
    struct call *found = calls;
    while (found->name[0] && strcmp(found->name, name)) ++found;
    if (!found->name[0]) strncpy(found->name, name, sizeof found->name - 1);
    return found;
}

static int enter(const char *name) {
    struct call *call = named(name);
    if (++call->count == call->fail_at) {
        if (call->status == ILLEGAL) sticky = ILLEGAL;
        return call->status;
    }
    return driver / 1000 < CUDA_VERSION / 1000 ? DRIVER : sticky;
}

#define ENTER                                \
    do {                                     \
        const int refused = enter(__func__); \
        if (refused) return refused;         \
    } while (0)

static void *address(const struct thing *thing) { return thing->memory ? (void *)thing->memory : (void *)thing; }

static struct thing *find(int kind, const void *at) {
    struct thing *thing = things;
    while (thing && (thing->kind != kind || address(thing) != at)) thing = thing->next;
    return thing;
}

static struct thing *make(int kind, size_t size) {
    struct thing *thing = calloc(1, sizeof *thing);
    if (size) thing->memory = memset(malloc(size), POISON, size);
    thing->kind = kind;
    thing->size = size;
    thing->next = things;
    things = thing;
    ++live[kind];
    return thing;
}

static void drop(struct work *work) {
    while (work) {
        struct work *next = work->next;
        free(work);
        work = next;
    }
}

static int end(int kind, void *at) {
    struct thing *thing = find(kind, at), **link = &things;
    if (!thing) return INVALID;
    while (*link != thing) link = &(*link)->next;
    *link = thing->next;
    drop(thing->work);
    drop(thing->captured);
    free(thing->memory);
    free(thing);
    --live[kind];
    return OK;
}

static void append(struct work **queue, struct work work) {
    while (*queue) queue = &(*queue)->next;
    *queue = malloc(sizeof work);
    work.next = NULL;
    **queue = work;
}

static int put(void *stream, struct work work) {
    struct thing *found = find(STREAM, stream);
    if (!found) return INVALID;
    append(found->capturing ? &found->captured : &found->work, work);
    return OK;
}

static struct work *copy_of(const struct work *work) {
    struct work *copy = NULL;
    for (; work; work = work->next) append(&copy, *work);
    return copy;
}

static struct thing *with_work(int kind, struct work *work) {
    struct thing *made = make(kind, 0);
    made->work = work;
    return made;
}

void fake_reset(int driver_version) {
    while (things) end(things->kind, address(things));
    memset(calls, 0, sizeof calls);
    sticky = 0;
    driver = driver_version;
}
void fake_fail(const char *name, int status, int call) {
    struct call *found = named(name);
    found->fail_at = found->count + call;
    found->status = status;
}
int fake_calls(const char *name) { return named(name)->count; }
int fake_live(int kind) { return live[kind]; }
int fake_is(int kind, void *at) { return find(kind, at) != NULL; }
int fake_captures(void *stream) { return find(STREAM, stream)->capturing; }
int fake_put(void *stream, void (*callback)(void)) { return put(stream, (struct work){.callback = callback}); }

int cudaRuntimeGetVersion(int *version) {
    *version = CUDA_VERSION;
    return OK;
}
int cudaGetLastError(void) { return sticky; }
const char *cudaGetErrorName(int status) {
    switch (status) {
        case INVALID: return "cudaErrorInvalidValue";
        case MEMORY: return "cudaErrorMemoryAllocation";
        case DRIVER: return "cudaErrorInsufficientDriver";
        case ILLEGAL: return "cudaErrorIllegalAddress";
        case CAPTURE: return "cudaErrorStreamCaptureUnsupported";
        case INVALIDATED: return "cudaErrorStreamCaptureInvalidated";
        default: return NULL;
    }
}
const char *cudaGetErrorString(int status) { return status == MEMORY ? "out of memory" : "its meaning in words"; }
int cudaSetDevice(int device) {
    ENTER;
    return device ? INVALID : OK;
}
int cudaDeviceSynchronize(void) {
    ENTER;
    return OK;
}

static int give(void **at, int kind, size_t size) {
    *at = address(make(kind, size));
    return OK;
}
int cudaMalloc(void **at, size_t size) {
    ENTER;
    return size >> 33 ? MEMORY : give(at, DEVICE, size);
}
int cudaFree(void *at) {
    ENTER;
    return at ? end(DEVICE, at) : OK;
}
int cudaHostAlloc(void **at, size_t size, unsigned flags) {
    ENTER;
    return flags ? INVALID : give(at, HOST, size);
}
int cudaFreeHost(void *at) {
    ENTER;
    return end(HOST, at);
}
int cudaMemcpyAsync(void *target, const void *source, size_t size, int kind, void *stream) {
    ENTER;
    const struct thing *device = find(DEVICE, kind == 1 ? target : source);
    const struct thing *host = find(HOST, kind == 1 ? source : target);
    if (kind < 1 || kind > 2 || !device || !host || device->size < size || host->size < size) return INVALID;
    return put(stream, (struct work){.target = target, .source = source, .size = size});
}

int cudaStreamCreateWithFlags(void **stream, unsigned flags) {
    ENTER;
    return flags == 1 ? give(stream, STREAM, 0) : INVALID;
}
int cudaStreamDestroy(void *stream) {
    ENTER;
    return end(STREAM, stream);
}
int cudaStreamSynchronize(void *stream) {
    ENTER;
    struct thing *found = find(STREAM, stream);
    if (!found) return INVALID;
    struct work *queue = found->work;
    found->work = NULL;
    for (const struct work *work = queue; work; work = work->next) {
        if (work->callback) work->callback();
        else memcpy(work->target, work->source, work->size);
    }
    drop(queue);
    return OK;
}
int cudaStreamBeginCapture(void *stream, int mode) {
    ENTER;
    struct thing *found = find(STREAM, stream);
    if (!found || mode != 1) return INVALID;
    if (found->capturing) return CAPTURE;
    found->capturing = 1;
    return OK;
}
int cudaStreamEndCapture(void *stream, void **graph) {
    int status = enter(__func__);
    struct thing *found = find(STREAM, stream);
    *graph = NULL;
    if (!found) return INVALID;
    if (!status && !found->capturing) status = INVALID;
    struct work *recorded = found->captured; /* an invalidated capture is over all the same */
    found->captured = NULL;
    found->capturing = 0;
    if (status) drop(recorded);
    else *graph = with_work(GRAPH, recorded);
    return status;
}

static int instantiate(void **instance, void *graph) {
    const struct thing *found = find(GRAPH, graph);
    if (!found) return INVALID;
    *instance = with_work(INSTANCE, copy_of(found->work));
    return OK;
}
#if CUDA_VERSION >= 11040
int cudaGraphInstantiateWithFlags(void **instance, void *graph, unsigned long long flags) {
    ENTER;
    return flags ? INVALID : instantiate(instance, graph);
}
#endif
#if CUDA_VERSION < 12000
int cudaGraphInstantiate(void **instance, void *graph, void **node, char *text, size_t size) {
    ENTER;
    return node || text || size ? INVALID : instantiate(instance, graph);
}
#else
int cudaGraphInstantiate(void **instance, void *graph, unsigned long long flags) {
    return cudaGraphInstantiateWithFlags(instance, graph, flags);
}
#endif
int cudaGraphLaunch(void *instance, void *stream) {
    ENTER;
    const struct thing *found = find(INSTANCE, instance);
    int status = found ? OK : INVALID;
    for (const struct work *work = found ? found->work : NULL; work && !status; work = work->next)
        status = put(stream, *work);
    return status;
}
int cudaGraphDestroy(void *graph) {
    ENTER;
    return end(GRAPH, graph);
}
int cudaGraphExecDestroy(void *instance) {
    ENTER;
    return end(INSTANCE, instance);
}

int cudaEventCreate(void **event) {
    ENTER;
    return give(event, EVENT, 0);
}
int cudaEventRecord(void *event, void *stream) {
    ENTER;
    return find(EVENT, event) && find(STREAM, stream) ? OK : INVALID;
}
int cudaEventSynchronize(void *event) {
    ENTER;
    return find(EVENT, event) ? OK : INVALID;
}
int cudaEventElapsedTime(float *milliseconds, void *start, void *stop) {
    ENTER;
    *milliseconds = 1.25F;
    return find(EVENT, start) && find(EVENT, stop) ? OK : INVALID;
}
int cudaEventDestroy(void *event) {
    ENTER;
    return end(EVENT, event);
}
