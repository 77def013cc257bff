/*
 * peers.c: a front-end that measures a vhost-user GPU. It negotiates like QEMU, drives the control queue like Linux, waits for interrupts
 * in poll() like a VMM, and drains the display socket on a thread of its own. Written from the virtio and vhost-user documents.
 *
 *   peers --socket-path=PATH [--blob] [--fresh] [--no-event-idx]   then reads lines "WORKLOAD MILLISECONDS" from standard input and answers each with
 *   WORKLOAD VALUE UNIT OPERATIONS P50 P99       (the last two in microseconds, 0 where operations are not timed one by one)
 *
 * With --blob it has no display, and does the workloads blob-* alone. With --no-event-idx it does not negotiate VIRTIO_F_EVENT_IDX. With --fresh it makes no picture before a workload needs it, so that the
 * back-end has done nothing yet. It ends when its input does. An error is one sentence on standard error and exit status 1.
 */
#include "peers-session.h"
#include "peers-display.h"
#include "peers-queue.h"

enum { PAGES_1080P = 1920 * 1080 * 4 / PAGE, MAX_SAMPLES = 1 << 20, DAMAGE = 64 };
enum layout { SCATTERED, RUNS, WHOLE, LAYOUTS };

static struct display display, limit_display;
static int limit_socket;
static uint64_t expected; /* bytes of pixels flushed so far */
static double samples[MAX_SAMPLES];
static unsigned sample_count;

static void sample(int64_t nanos) {
    if (sample_count < MAX_SAMPLES) samples[sample_count++] = (double)nanos / 1000;
}
static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static double percentile(unsigned percent) { return sample_count ? samples[(uint64_t)sample_count * percent / 100] : 0; }

/* --- The guest's pictures ----------------------------------------------------------------------------------------------------- */

struct picture { uint32_t id, width, height; enum layout layout; };

static uint32_t page_count(const struct picture *p) { return p->width * p->height * 4 / PAGE; }

/* Where page i of a picture lies: its 8192 pages are dealt out so that neighbours are never neighbours, or only within runs of 16. */
static uint64_t page_offset(const struct picture *p, uint32_t i) {
    enum layout layout = p->layout;
    uint32_t page = layout == SCATTERED ? i * 3079 % 8192 : layout == RUNS ? i / 16 * 197 % 512 * 16 + i % 16 : i;
    return PICTURES + (p->id - 1) * PICTURE_BYTES + (uint64_t)page * PAGE;
}

/* Writes the list of a picture's pages, adjacent ones joined, as a driver does. Returns the number of entries. */
static uint32_t list_pages(const struct picture *p) {
    uint32_t count = 0;
    uint64_t end = 0;
    struct virtio_gpu_mem_entry *last = NULL;
    for (uint32_t i = 0; i < page_count(p); i++) {
        uint64_t at = page_offset(p, i);
        if (last && at == end) {
            last->length += PAGE;
        } else {
            size_t byte = count++ * sizeof *last;
            last = (void *)(mem + ENTRY_AREA + byte / PAGE * 2 * PAGE + byte % PAGE);
            *last = (struct virtio_gpu_mem_entry){ GPA_BASE + at, PAGE, 0 };
        }
        end = at + PAGE;
    }
    return count;
}

static void push_attach(const struct picture *p, uint32_t entries) {
    struct virtio_gpu_resource_attach_backing c = { { .type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING }, p->id, entries };
    push(&c, sizeof c, ENTRY_AREA, entries * (uint32_t)sizeof(struct virtio_gpu_mem_entry));
}
static void push_transfer(const struct picture *p, struct virtio_gpu_rect r) {
    uint64_t offset = ((uint64_t)r.y * p->width + r.x) * 4;
    struct virtio_gpu_transfer_to_host_2d c = { { .type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D }, r, offset, p->id, 0 };
    PUSH(c);
}
static void push_flush(const struct picture *p, struct virtio_gpu_rect r) {
    struct virtio_gpu_resource_flush c = { { .type = VIRTIO_GPU_CMD_RESOURCE_FLUSH }, r, p->id, 0 };
    PUSH(c);
    expected += (uint64_t)r.width * r.height * 4;
}
static struct virtio_gpu_rect whole(const struct picture *p) { return (struct virtio_gpu_rect){ 0, 0, p->width, p->height }; }

static void push_create(const struct picture *p) {
    struct virtio_gpu_resource_create_2d c = { { .type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D }, p->id, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
                                               p->width, p->height };
    PUSH(c);
}
static void make(const struct picture *p) {
    push_create(p);
    push_attach(p, list_pages(p));
    publish();
    finish();
}
static void show(const struct picture *p) {
    struct virtio_gpu_set_scanout c = { { .type = VIRTIO_GPU_CMD_SET_SCANOUT }, whole(p), 0, p->id };
    PUSH(c);
    publish();
    finish();
}

/* --- What is measured --------------------------------------------------------------------------------------------------------- */

struct workload {
    const char *name, *unit;
    double (*run)(const struct workload *, int64_t nanos, uint64_t *operations);
    struct picture picture;
    unsigned depth; /* operations in flight */
    bool spins;
    unsigned percent; /* of the latencies, if they are the value: the median unless it says another */
    bool flags;       /* needs a session without EVENT_IDX */
    uint64_t count;   /* of operations, however long they take; 0 for as many as there is time for */
};

static bool goes_on(const struct workload *w, int64_t until, uint64_t operations) {
    return w->count ? operations < w->count : now() < until;
}
static double latency(const struct workload *w) {
    qsort(samples, sample_count, sizeof *samples, compare);
    return percentile(w->percent ? w->percent : 50);
}

static double per_second(uint64_t operations, int64_t since) { return (double)operations * 1e9 / (double)(now() - since); }

/* TRANSFERs of one pixel, depth of them in flight; one by one, the value is the latency. */
static double small_commands(const struct workload *w, int64_t nanos, uint64_t *operations) {
    const struct virtio_gpu_rect pixel = { 5, 7, 1, 1 };
    int64_t start = now(), end = start + nanos;
    for (int64_t at = start; goes_on(w, end, *operations);) {
        unsigned before = in_flight();
        for (; in_flight() < w->depth; ++*operations) push_transfer(&w->picture, pixel);
        if (in_flight() > before) publish();
        reap();
        int64_t then = now();
        if (w->depth == 1) sample(then - at);
        at = then;
    }
    finish();
    return w->depth == 1 ? latency(w) : per_second(*operations, start);
}

/* Frames as a guest shows them: TRANSFER and FLUSH with one kick, the next frame when both are done. */
static double frames(const struct workload *w, int64_t nanos, uint64_t *operations) {
    int64_t start = now();
    for (int64_t at = start, then; goes_on(w, start + nanos, *operations); at = then) {
        push_transfer(&w->picture, whole(&w->picture));
        push_flush(&w->picture, whole(&w->picture));
        publish();
        finish();
        ++*operations;
        then = now();
        sample(then - at);
    }
    await_pixels(&display, expected);
    return per_second(*operations, start);
}

/* Lower bound of a frame: one memcpy and one socket write, drained by the same reader. */
static double limit(const struct workload *w, int64_t nanos, uint64_t *operations) {
    static uint8_t *image;
    static uint64_t sent;
    size_t bytes = (size_t)w->picture.width * w->picture.height * 4;
    if (!image) {
        image = malloc(UPDATE_PREFIX + PICTURE_BYTES);
        memset(image, 0, UPDATE_PREFIX + PICTURE_BYTES);
    }
    int64_t start = now();
    for (int64_t at = start, then; at < start + nanos; at = then) {
        memcpy(image, (uint32_t[]){ D_UPDATE, 0, (uint32_t)bytes + 20, 0, 0, 0, w->picture.width, w->picture.height }, UPDATE_PREFIX);
        memcpy(image + UPDATE_PREFIX, mem + page_offset(&w->picture, 0), bytes);
        for (size_t done = 0; done < UPDATE_PREFIX + bytes;) {
            ssize_t n = send(limit_socket, image + done, UPDATE_PREFIX + bytes - done, MSG_NOSIGNAL);
            if (n < 0) DIE("send: %s", strerror(errno));
            done += (size_t)n;
        }
        sent += bytes;
        ++*operations;
        then = now();
        sample(then - at);
    }
    await_pixels(&limit_display, sent);
    return per_second(*operations, start);
}

/* Small damage anywhere on a screen: TRANSFER and FLUSH of 64 x 64 pixels with one kick, depth of them under way. */
static double damage(const struct workload *w, int64_t nanos, uint64_t *operations) {
    uint32_t seed = 1;
    int64_t start = now();
    for (int64_t at = start, then; at < start + nanos; at = then) {
        unsigned before = in_flight();
        for (; in_flight() + 2 <= 2 * w->depth; ++*operations) {
            seed = seed * 1664525 + 1013904223;
            struct virtio_gpu_rect r = { (seed >> 8) % (w->picture.width - DAMAGE), (seed >> 20) % (w->picture.height - DAMAGE), DAMAGE,
                                         DAMAGE };
            push_transfer(&w->picture, r);
            push_flush(&w->picture, r);
        }
        if (in_flight() > before) publish();
        if (w->depth == 1) finish();
        else reap();
        then = now();
        if (w->depth == 1) sample(then - at);
    }
    finish();
    await_pixels(&display, expected);
    return per_second(*operations, start);
}

/* ATTACH_BACKING of many entries; the DETACH between is not timed. */
static double attach(const struct workload *w, int64_t nanos, uint64_t *operations) {
    const struct virtio_gpu_resource_detach_backing detach = { { .type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING }, w->picture.id, 0 };
    uint32_t entries = list_pages(&w->picture);
    if (entries != PAGES_1080P) DIE("%u entries, not %d", entries, PAGES_1080P);
    for (int64_t end = now() + nanos; now() < end; ++*operations) {
        PUSH(detach);
        publish();
        finish();
        int64_t at = now();
        push_attach(&w->picture, entries);
        publish();
        finish();
        sample(now() - at);
    }
    return latency(w);
}

/* The very first ATTACH_BACKING of a back-end. */
static double first_attach(const struct workload *w, int64_t nanos, uint64_t *operations) {
    push_create(&w->picture);
    publish();
    finish();
    uint32_t entries = list_pages(&w->picture);
    int64_t at = now();
    push_attach(&w->picture, entries);
    publish();
    finish();
    sample(now() - at);
    *operations = 1;
    return latency(w);
}

/* --- Blobs -------------------------------------------------------------------------------------------------------------------- */

/* A picture and the next one, which is shown in turns with it, are blobs of scattered pages. */
static struct picture other(const struct picture *p) { return (struct picture){ p->id + 1, p->width, p->height, p->layout }; }

static void push_create_blob(const struct picture *p, uint32_t entries) {
    struct virtio_gpu_resource_create_blob c = { { .type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB }, p->id, VIRTIO_GPU_BLOB_MEM_GUEST,
                                                 VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE, entries, 0, (uint64_t)page_count(p) * PAGE };
    push(&c, sizeof c, ENTRY_AREA, entries * (uint32_t)sizeof(struct virtio_gpu_mem_entry));
}
static void make_blob(struct picture p) {
    push_create_blob(&p, list_pages(&p));
    publish();
    finish();
}
static void push_flip(const struct picture *p) {
    struct virtio_gpu_set_scanout_blob show = { { .type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB }, whole(p), 0, p->id, p->width, p->height,
                                                VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 0, { p->width * 4 }, { 0 } };
    struct virtio_gpu_resource_flush flush = { { .type = VIRTIO_GPU_CMD_RESOURCE_FLUSH }, whole(p), p->id, 0 };
    PUSH(show);
    PUSH(flush);
}

/* Page flips as Linux makes them: SET_SCANOUT_BLOB and RESOURCE_FLUSH with one kick, the next flip when both are done. */
static double flips(const struct workload *w, int64_t nanos, uint64_t *operations) {
    const struct picture turns[] = { w->picture, other(&w->picture) };
    int64_t start = now();
    for (int64_t at = start, then; at < start + nanos; at = then) {
        push_flip(&turns[*operations % 2]);
        publish();
        finish();
        ++*operations;
        then = now();
        sample(then - at);
    }
    return per_second(*operations, start);
}

/* RESOURCE_CREATE_BLOB of many entries; the UNREF between is not timed. */
static double create_blob(const struct workload *w, int64_t nanos, uint64_t *operations) {
    const struct virtio_gpu_resource_unref unref = { { .type = VIRTIO_GPU_CMD_RESOURCE_UNREF }, w->picture.id, 0 };
    uint32_t entries = list_pages(&w->picture);
    if (entries != PAGES_1080P) DIE("%u entries, not %d", entries, PAGES_1080P);
    for (int64_t end = now() + nanos; now() < end; ++*operations) {
        int64_t at = now();
        push_create_blob(&w->picture, entries);
        publish();
        finish();
        sample(now() - at);
        PUSH(unref);
        publish();
        finish();
    }
    return latency(w);
}

#define FHD(layout) { 1 + layout, 1920, 1080, layout }
#define UHD(layout) { 1 + LAYOUTS + layout, 3840, 2160, layout }
static const struct workload workloads[] = {
    { "single", "us", small_commands, FHD(SCATTERED), 1, false },
    { "single-p99", "us", small_commands, FHD(SCATTERED), 1, false, .percent = 99 },
    { "single-spin", "us", small_commands, FHD(SCATTERED), 1, true },
    { "flight", "commands/s", small_commands, FHD(SCATTERED), 32, false },
    { "flight-no-event-idx", "commands/s", small_commands, FHD(SCATTERED), 32, false, .flags = true },
    { "1080p-scattered", "frames/s", frames, FHD(SCATTERED), 1, false },
    { "1080p-runs", "frames/s", frames, FHD(RUNS), 1, false },
    { "1080p-whole", "frames/s", frames, FHD(WHOLE), 1, false },
    { "1080p-limit", "frames/s", limit, FHD(WHOLE), 1, false },
    { "4k-scattered", "frames/s", frames, UHD(SCATTERED), 1, false },
    { "4k-runs", "frames/s", frames, UHD(RUNS), 1, false },
    { "4k-whole", "frames/s", frames, UHD(WHOLE), 1, false },
    { "4k-limit", "frames/s", limit, UHD(WHOLE), 1, false },
    { "damage", "damages/s", damage, FHD(SCATTERED), 1, false },
    { "damage-flight", "damages/s", damage, FHD(SCATTERED), 16, false },
    { "attach", "us", attach, FHD(SCATTERED), 1, false },
    { "fresh-attach", "us", first_attach, FHD(SCATTERED), 1, false },
    { "fresh-single", "us", small_commands, FHD(SCATTERED), 1, false, .count = 2000 },
    { "fresh-single-p99", "us", small_commands, FHD(SCATTERED), 1, false, .percent = 99, .count = 2000 },
    { "fresh-flight", "commands/s", small_commands, FHD(SCATTERED), 32, false },
    { "fresh-flight-no-event-idx", "commands/s", small_commands, FHD(SCATTERED), 32, false, .flags = true },
    { "fresh-1080p", "frames/s", frames, FHD(SCATTERED), 1, false, .count = 200 },
    { "fresh-4k", "frames/s", frames, UHD(SCATTERED), 1, false, .count = 100 },
    { "fresh-damage", "damages/s", damage, FHD(SCATTERED), 1, false },
    { "blob-64", "flips/s", flips, { 1, 64, 64, SCATTERED }, 1, false },
    { "blob-1080p", "flips/s", flips, { 3, 1920, 1080, SCATTERED }, 1, false },
    { "blob-4k", "flips/s", flips, { 5, 3840, 2160, SCATTERED }, 1, false },
    { "blob-create", "us", create_blob, { 7, 1920, 1080, SCATTERED }, 1, false },
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

static bool is_of_blobs(const struct workload *w) { return w->run == flips || w->run == create_blob; }

static void perform(const char *name, long millis, bool blobs, bool fresh) {
    const struct workload *w = workloads;
    while (w < workloads + WORKLOADS && strcmp(w->name, name)) w++;
    if (w == workloads + WORKLOADS || is_of_blobs(w) != blobs || w->flags == event_idx) DIE("unknown workload %s", name);
    static uint32_t shown;
    uint64_t operations = 0;
    if (w->run != limit && w->run != first_attach && !blobs && shown != w->picture.id) {
        if (fresh) make(&w->picture);
        show(&w->picture);
        shown = w->picture.id;
    }
    sample_count = 0;
    spinning = w->spins;
    double value = w->run(w, millis * 1000000, &operations);
    spinning = false;
    qsort(samples, sample_count, sizeof *samples, compare);
    printf("%s %.3f %s %llu %.1f %.1f\n", w->name, value, w->unit, (unsigned long long)operations, percentile(50), percentile(99));
    fflush(stdout);
}

int main(int argc, char **argv) {
    const char *path = NULL;
    bool blobs = false, fresh = false, known = true;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--socket-path=", 14) == 0) path = argv[i] + 14;
        else if (strcmp(argv[i], "--blob") == 0) blobs = true;
        else if (strcmp(argv[i], "--fresh") == 0) fresh = true;
        else if (strcmp(argv[i], "--no-event-idx") == 0) event_idx = false;
        else known = false;
    }
    if (!path || !known) {
        fprintf(stderr, "usage: peers --socket-path=PATH [--blob] [--fresh] [--no-event-idx], then lines WORKLOAD MILLISECONDS on standard input\n");
        return 2;
    }
    kick_fd = new_eventfd();
    call_fd = new_eventfd();
    limit_socket = open_display(&limit_display);
    start_session(path, QUEUE_SIZE, kick_fd, call_fd, blobs ? -1 : open_display(&display));
    start_queue();
    for (size_t i = 0; i < MEMORY_BYTES - PICTURES; i += 4) memcpy(mem + PICTURES + i, &(uint32_t){ (uint32_t)i * 2654435761u }, 4);
    for (const struct workload *w = workloads; blobs && w < workloads + WORKLOADS; w++)
        if (w->run == flips) {
            make_blob(w->picture);
            make_blob(other(&w->picture));
        }
    for (enum layout l = SCATTERED; !blobs && !fresh && l < LAYOUTS; l++) {
        make(&(struct picture)FHD(l));
        make(&(struct picture)UHD(l));
    }
    char name[64];
    long millis;
    while (scanf("%63s %ld", name, &millis) == 2) perform(name, millis, blobs, fresh);
    return 0;
}
