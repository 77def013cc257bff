// SPDX-License-Identifier: Apache-2.0
/*
 * A Wayland client that fills its screen with the test picture (picture.h) and lays a second, smaller one over it.
 *
 *   window SOCKET [udmabuf]
 *
 * Its buffers are in a memfd, or in a udmabuf, whose descriptor wl_shm gets in place of it: a compositor without
 * zwp_linux_dmabuf_v1 can map a dma-buf, but cannot import it.
 *
 * The lower surface shows the picture of the screen's size. The upper one, a sub-surface of INSET_WIDTH x INSET_HEIGHT pixels
 * at (half of the screen's width, INSET_TOP), shows the picture of its own size and the same frame; its second quarter of
 * columns is clear in the second quarter of rows and half black (alpha 128) in the third. What a compositor makes of both is
 * known to the pixel (class sluice.guest.DesktopPicture). While the pointer is over the window, its picture is a square of
 * CURSOR_SIZE pixels in one colour, whose top left pixel is the pointer's position.
 *
 * Commands come by standard input: "frames N" shows N frames more, "run SECONDS" shows frames for that time, "quit" or the
 * end of the input leaves. Each frame waits for the compositor to be ready for it, and damages only what has changed.
 *
 * What it prints, one line a phase, for programs to read:
 *   SLUICE global INTERFACE VERSION what the compositor offers; one line for each, before all others
 *   SLUICE mode WIDTH HEIGHT        the compositor's size for the window
 *   SLUICE frame N                  once a second while frames are shown
 *   SLUICE done N                   frame N is the last one, and the compositor has taken it
 *   SLUICE pointer X Y              the pointer is there
 *   SLUICE error TEXT               and exit 1
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "picture.h"
#include "wayland.h"

#define INSET_WIDTH 320
#define INSET_HEIGHT 200
#define INSET_TOP 32
#define CURSOR_SIZE 24
#define CURSOR_COLOUR 0xFFFF8000
#define HALF_BLACK 0x80000000
#define SILENCE_MS 20000
#define PAGE 4096

struct buffer {
	uint32_t object, frame;
	int busy;
	uint32_t *pixels;
};

struct layer {
	uint32_t surface, width, height;
	int inset;
	struct buffer buffers[2];
};

static uint32_t registry, compositor, subcompositor, shm, seat, wm_base, pointer;
static uint32_t xdg_surface, toplevel, callback, cursor_surface;
static struct layer screen, inset = { .width = INSET_WIDTH, .height = INSET_HEIGHT, .inset = 1 };
static int configured, waiting;		/* waiting: for the compositor to want another frame */
static uint32_t frame;			/* the last one that was committed */
static int of_udmabuf;			/* buffers are in a udmabuf */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t layer_pixel(const struct layer *layer, uint32_t x, uint32_t y, uint32_t n)
{
	uint32_t w = layer->width, h = layer->height;

	if (layer->inset && x >= w / 4 && x < w / 2) {
		if (y >= h / 4 && y < h / 2)
			return 0;
		if (y >= h / 2 && y < h / 4 * 3)
			return HALF_BLACK;
	}
	return 0xFF000000 | picture_pixel(x, y, w, h, n);
}

static void draw_columns(const struct layer *layer, struct buffer *b, uint32_t first, uint32_t count, uint32_t n)
{
	for (uint32_t y = 0; y < layer->height; y++)
		for (uint32_t i = 0; i < count; i++) {
			uint32_t x = (first + i) % layer->width;

			b->pixels[(size_t)y * layer->width + x] = layer_pixel(layer, x, y, n);
		}
}

/*
 * Memory of at least `size` bytes that can be mapped: a memfd, or a udmabuf of its pages. Only CPUs access the dma-buf, ours and
 * the compositor's, and no device has mapped it, so no DMA_BUF_IOCTL_SYNC is due.
 */
static int create_memory(off_t size)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = (size + PAGE - 1) / PAGE * PAGE };
	int memory = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING), exporter, buffer;

	if (memory < 0 || ftruncate(memory, (off_t)create.size) < 0)
		fail("memory of %lld bytes: %s", (long long)size, strerror(errno));
	if (!of_udmabuf)
		return memory;
	if (fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		fail("F_SEAL_SHRINK: %s", strerror(errno));
	exporter = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (exporter < 0)
		fail("/dev/udmabuf: %s", strerror(errno));
	create.memfd = (uint32_t)memory;
	buffer = ioctl(exporter, UDMABUF_CREATE, &create);
	if (buffer < 0)
		fail("UDMABUF_CREATE of %lld bytes: %s", (long long)create.size, strerror(errno));
	close(exporter);
	close(memory);
	return buffer;
}

/* Makes `count` buffers of w x h pixels in one pool. */
static void create_buffers(struct buffer *buffers, uint32_t count, uint32_t w, uint32_t h, uint32_t format)
{
	uint32_t size = w * h * 4;
	uint32_t pool = new_object();
	uint32_t words[2] = { pool, size * count };
	int memory = create_memory((off_t)size * count);
	char *pixels;

	pixels = mmap(NULL, (size_t)size * count, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (pixels == MAP_FAILED)
		fail("mmap of %u buffers: %s", count, strerror(errno));
	send_words(shm, SHM_CREATE_POOL, words, 2, memory);
	close(memory);
	for (uint32_t i = 0; i < count; i++) {
		buffers[i] = (struct buffer) { .object = new_object(), .pixels = (uint32_t *)(pixels + (size_t)size * i) };
		REQUEST(pool, POOL_CREATE_BUFFER, buffers[i].object, size * i, w, h, w * 4, format);
	}
}

static void damage_columns(const struct layer *layer, uint32_t first, uint32_t count)
{
	uint32_t before_edge = first + count > layer->width ? layer->width - first : count;

	REQUEST(layer->surface, SURFACE_DAMAGE_BUFFER, first, 0, before_edge, layer->height);
	if (before_edge < count)
		REQUEST(layer->surface, SURFACE_DAMAGE_BUFFER, 0, 0, count - before_edge, layer->height);
}

/* Draws frame n in a buffer that holds an older one, damages what differs from frame n - 1, and attaches it. */
static void show_layer(struct layer *layer, uint32_t n)
{
	struct buffer *b = &layer->buffers[n % 2];
	uint32_t w = layer->width, bar = w / 16;
	uint32_t number_top = layer->height / 4 * 2 - 8;

	draw_columns(layer, b, picture_bar_start(w, b->frame), bar, n);
	draw_columns(layer, b, picture_bar_start(w, n), bar, n);
	draw_columns(layer, b, 16, 128, n);
	b->frame = n;
	b->busy = 1;
	REQUEST(layer->surface, SURFACE_ATTACH, b->object, 0, 0);
	if (n == 1) {
		REQUEST(layer->surface, SURFACE_DAMAGE_BUFFER, 0, 0, w, layer->height);
		return;
	}
	damage_columns(layer, picture_bar_start(w, n - 1), bar);
	damage_columns(layer, picture_bar_start(w, n), bar);
	REQUEST(layer->surface, SURFACE_DAMAGE_BUFFER, 16, number_top, 128, 8);
}

/* A synchronised sub-surface is shown together with its parent's next state: both layers always have the same frame. */
static void show_next(void)
{
	frame++;
	show_layer(&inset, frame);
	REQUEST(inset.surface, SURFACE_COMMIT);
	show_layer(&screen, frame);
	REQUEST(screen.surface, SURFACE_FRAME, callback);
	REQUEST(screen.surface, SURFACE_COMMIT);
	waiting = 1;
}

static int can_show(void)
{
	return !waiting && !screen.buffers[(frame + 1) % 2].busy && !inset.buffers[(frame + 1) % 2].busy;
}

static void found_global(const struct event *event)
{
	static const struct {
		const char *interface;
		uint32_t version;
		uint32_t *object;
	} wanted[] = {
		{ "wl_compositor", 4, &compositor }, { "wl_subcompositor", 1, &subcompositor }, { "wl_shm", 1, &shm },
		{ "wl_seat", 1, &seat }, { "xdg_wm_base", 1, &wm_base },
	};
	const char *interface = event_string(event, 1);

	printf("SLUICE global %s %u\n", interface, event->arguments[event->words - 1]);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strcmp(interface, wanted[i].interface) == 0 && *wanted[i].object == 0)
			*wanted[i].object = bind_global(registry, event->arguments[0], interface, wanted[i].version);
}

static void pointer_event(const struct event *event)
{
	const uint32_t *a = event->arguments;

	if (event->opcode == POINTER_ENTER) {
		REQUEST(pointer, POINTER_SET_CURSOR, a[0], cursor_surface, 0, 0);
		a++;
	}
	if (event->opcode == POINTER_ENTER || event->opcode == POINTER_MOTION)
		printf("SLUICE pointer %d %d\n", (int32_t)a[1] >> 8, (int32_t)a[2] >> 8); /* 24.8 bits */
}

static void buffer_released(uint32_t object)
{
	for (int i = 0; i < 2; i++) {
		if (screen.buffers[i].object == object)
			screen.buffers[i].busy = 0;
		if (inset.buffers[i].object == object)
			inset.buffers[i].busy = 0;
	}
}

static void handle(const struct event *event)
{
	uint32_t object = event->object, opcode = event->opcode;
	const uint32_t *a = event->arguments;

	if (object == 1 && opcode == DISPLAY_ERROR)
		fail("the compositor objects to object %u: %s", a[0], event_string(event, 2));
	if (object == 1 && opcode == DISPLAY_DELETE_ID && a[0] == callback)
		waiting = 0; /* the callback has come, and its number is free */
	else if (object == registry && opcode == REGISTRY_GLOBAL)
		found_global(event);
	else if (object == wm_base && opcode == WM_BASE_PING)
		REQUEST(wm_base, WM_BASE_PONG, a[0]);
	else if (object == seat && opcode == SEAT_CAPABILITIES && a[0] & SEAT_HAS_POINTER && pointer == 0) {
		pointer = new_object();
		REQUEST(seat, SEAT_GET_POINTER, pointer);
	} else if (object == pointer && pointer != 0)
		pointer_event(event);
	else if (object == toplevel && opcode == TOPLEVEL_CONFIGURE) {
		if (!configured && a[0] != 0) {
			screen.width = a[0];
			screen.height = a[1];
		}
	} else if (object == toplevel && opcode == TOPLEVEL_CLOSE)
		fail("the compositor closes the window");
	else if (object == xdg_surface && opcode == XDG_SURFACE_CONFIGURE) {
		REQUEST(xdg_surface, XDG_SURFACE_ACK_CONFIGURE, a[0]);
		configured = screen.width != 0;
	} else if (opcode == BUFFER_RELEASE)
		buffer_released(object);
}

/* Waits for the compositor, or for standard input too; returns whether there is input. */
static int wait_for_events(int with_input)
{
	struct pollfd ready[2] = { { .fd = wayland, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	struct event event;
	int n;

	do
		n = poll(ready, with_input ? 2 : 1, with_input ? -1 : SILENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		fail("nothing from the compositor for %d ms after frame %u", SILENCE_MS, frame);
	if (ready[0].revents != 0) {
		wayland_receive();
		while (next_event(&event))
			handle(&event);
	}
	return with_input && ready[1].revents != 0;
}

/* An object's number must be the next one when the request that makes the object is sent. */
static uint32_t new_surface(void)
{
	uint32_t surface = new_object();

	REQUEST(compositor, COMPOSITOR_CREATE_SURFACE, surface);
	return surface;
}

static void connect_to(const char *socket)
{
	wayland_connect(socket);
	registry = new_object();
	REQUEST(1, DISPLAY_GET_REGISTRY, registry);
	callback = new_object();
	REQUEST(1, DISPLAY_SYNC, callback);
	for (waiting = 1; waiting;)
		wait_for_events(0);
	if (!compositor || !subcompositor || !shm || !seat || !wm_base)
		fail("the compositor lacks one of wl_compositor 4, wl_subcompositor, wl_shm, wl_seat, xdg_wm_base");
}

static void create_window(void)
{
	screen.surface = new_surface();
	xdg_surface = new_object();
	REQUEST(wm_base, WM_BASE_GET_XDG_SURFACE, xdg_surface, screen.surface);
	toplevel = new_object();
	REQUEST(xdg_surface, XDG_SURFACE_GET_TOPLEVEL, toplevel);
	REQUEST(toplevel, TOPLEVEL_SET_FULLSCREEN, 0);
	REQUEST(screen.surface, SURFACE_COMMIT);
	while (!configured)
		wait_for_events(0);
	if (screen.width < 2 * INSET_WIDTH || screen.height < 480)
		fail("a window of %u x %u is too small", screen.width, screen.height);
}

static void create_inset(void)
{
	uint32_t subsurface;

	inset.surface = new_surface();
	subsurface = new_object();
	REQUEST(subcompositor, SUBCOMPOSITOR_GET_SUBSURFACE, subsurface, inset.surface, screen.surface);
	REQUEST(subsurface, SUBSURFACE_SET_POSITION, screen.width / 2, INSET_TOP);
}

static void create_cursor(void)
{
	struct buffer cursor;

	create_buffers(&cursor, 1, CURSOR_SIZE, CURSOR_SIZE, SHM_ARGB8888);
	for (int i = 0; i < CURSOR_SIZE * CURSOR_SIZE; i++)
		cursor.pixels[i] = CURSOR_COLOUR;
	cursor_surface = new_surface();
	REQUEST(cursor_surface, SURFACE_ATTACH, cursor.object, 0, 0);
	REQUEST(cursor_surface, SURFACE_DAMAGE_BUFFER, 0, 0, CURSOR_SIZE, CURSOR_SIZE);
	REQUEST(cursor_surface, SURFACE_COMMIT);
}

/* Shows `count` frames, or as many as the time allows. */
static void show(uint32_t count, uint32_t milliseconds)
{
	uint64_t start = now_ms(), said = start;

	while (count > 0 && now_ms() - start < milliseconds) {
		if (can_show()) {
			show_next();
			count--;
		} else {
			wait_for_events(0);
		}
		if (now_ms() - said >= 1000) {
			said += 1000;
			printf("SLUICE frame %u\n", frame);
		}
	}
	while (waiting)
		wait_for_events(0);
	printf("SLUICE done %u\n", frame);
}

/* Executes one read() of standard input, which is one line on a terminal. */
static int obey(void)
{
	char line[128];
	ssize_t size = read(0, line, sizeof line - 1);

	if (size <= 0)
		return 0;
	line[size] = 0;
	if (strncmp(line, "frames ", 7) == 0)
		show((uint32_t)atoi(line + 7), UINT32_MAX);
	else if (strncmp(line, "run ", 4) == 0)
		show(UINT32_MAX, 1000 * (uint32_t)atoi(line + 4));
	else
		return 0;
	return 1;
}

int main(int count, char **arguments)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count != 2 && (count != 3 || strcmp(arguments[2], "udmabuf") != 0))
		fail("give the compositor's socket and, for buffers in dma-bufs, udmabuf");
	of_udmabuf = count == 3;
	connect_to(arguments[1]);
	create_cursor();
	create_window();
	create_inset();
	create_buffers(screen.buffers, 2, screen.width, screen.height, SHM_XRGB8888);
	create_buffers(inset.buffers, 2, inset.width, inset.height, SHM_ARGB8888);
	for (int i = 0; i < 2; i++) {
		draw_columns(&screen, &screen.buffers[i], 0, screen.width, 0);
		draw_columns(&inset, &inset.buffers[i], 0, inset.width, 0);
	}
	printf("SLUICE mode %u %u\n", screen.width, screen.height);
	while (!wait_for_events(1) || obey())
		;
	return 0;
}
