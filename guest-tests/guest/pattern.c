// SPDX-License-Identifier: Apache-2.0
/*
 * Draws the test picture (picture.h) through the kernel's mode-setting interface, with dumb buffers and page flips.
 *
 *   pattern [FRAMES [BUFFERS]]      defaults: 120 flips, 2 buffers
 *
 * Frame 0 is shown by setting the mode, frames 1 .. FRAMES by page flips, each of which is waited for. Then the program holds
 * the screen and obeys lines on standard input: "flips N" flips N frames more, "remode" takes the screen's present size and
 * begins anew with frame 0, "quit" or the end of the input leaves.
 *
 * What it prints, one line a phase, for programs to read:
 *   SLUICE card NAME                          the driver's name
 *   SLUICE mode WIDTH HEIGHT
 *   SLUICE shown FRAME                        the mode is set
 *   SLUICE flips COUNT ms MILLISECONDS
 *   SLUICE done FRAME                         FRAME is the last one, and the device has completed every command for it
 *   SLUICE error TEXT                         and exit 1
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>

#include "picture.h"

#define MAX_BUFFERS 8
#define CURSOR_SIZE 64
#define FLIP_TIMEOUT_MS 20000

struct buffer {
	uint32_t handle, fb, pitch;
	uint32_t frame;		/* the frame that is drawn in it */
	uint32_t *pixels;
};

static int card;
static uint32_t crtc, connector, width, height;
static struct drm_mode_modeinfo mode;
static struct buffer buffers[MAX_BUFFERS];
static uint32_t buffer_count = 2;
static uint32_t frame;		/* the frame on the screen */

static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("SLUICE error ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	exit(1);
}

static void call(unsigned long request, void *argument, const char *name)
{
	while (ioctl(card, request, argument) < 0)
		if (errno != EINTR && errno != EAGAIN)
			fail("%s: %s", name, strerror(errno));
}

#define CALL(request, argument) call(request, argument, #request)

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Picks the first connected connector, its preferred mode (else its first) and a CRTC that can drive it. */
static void choose_screen(void)
{
	uint32_t crtcs[32], connectors[32];
	struct drm_mode_card_res resources = {
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 32,
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = 32,
	};

	CALL(DRM_IOCTL_MODE_GETRESOURCES, &resources);
	for (uint32_t i = 0; i < resources.count_connectors && i < 32; i++) {
		struct drm_mode_modeinfo modes[64];
		uint32_t encoders[8];
		struct drm_mode_get_connector probe = { .connector_id = connectors[i] };
		struct drm_mode_get_connector found;
		struct drm_mode_get_encoder encoder = { 0 };

		/* A request for 0 modes makes the kernel probe the hardware again. */
		CALL(DRM_IOCTL_MODE_GETCONNECTOR, &probe);
		if (probe.connection != 1 || probe.count_modes == 0)
			continue;
		found = (struct drm_mode_get_connector) {
			.connector_id = connectors[i],
			.modes_ptr = (uintptr_t)modes, .count_modes = 64,
			.encoders_ptr = (uintptr_t)encoders, .count_encoders = 8,
		};
		if (probe.count_modes > 64)
			fail("a connector with %u modes", probe.count_modes);
		CALL(DRM_IOCTL_MODE_GETCONNECTOR, &found);
		if (found.count_encoders == 0)
			fail("connector %u has no encoder", connectors[i]);
		mode = modes[0];
		for (uint32_t m = 0; m < found.count_modes; m++)
			if (modes[m].type & DRM_MODE_TYPE_PREFERRED) {
				mode = modes[m];
				break;
			}
		encoder.encoder_id = encoders[0];
		CALL(DRM_IOCTL_MODE_GETENCODER, &encoder);
		for (uint32_t c = 0; c < resources.count_crtcs && c < 32; c++)
			if (encoder.possible_crtcs & 1u << c) {
				crtc = crtcs[c];
				connector = connectors[i];
				width = mode.hdisplay;
				height = mode.vdisplay;
				return;
			}
		fail("no CRTC for connector %u", connectors[i]);
	}
	fail("no connected connector among %u", resources.count_connectors);
}

static uint32_t *map_dumb(uint32_t w, uint32_t h, uint32_t *handle, uint32_t *pitch)
{
	struct drm_mode_create_dumb create = { .width = w, .height = h, .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	void *pixels;

	CALL(DRM_IOCTL_MODE_CREATE_DUMB, &create);
	map.handle = create.handle;
	CALL(DRM_IOCTL_MODE_MAP_DUMB, &map);
	pixels = mmap(NULL, create.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
	if (pixels == MAP_FAILED)
		fail("mmap of a dumb buffer: %s", strerror(errno));
	*handle = create.handle;
	*pitch = create.pitch;
	return pixels;
}

static void draw_columns(struct buffer *b, uint32_t first, uint32_t count, uint32_t n)
{
	for (uint32_t y = 0; y < height; y++) {
		uint32_t *row = b->pixels + (size_t)y * (b->pitch / 4);

		for (uint32_t i = 0; i < count; i++) {
			uint32_t x = (first + i) % width;
			row[x] = picture_pixel(x, y, width, height, n);
		}
	}
}

/* Only the bar, where it was and where it will be, and the frame number differ between two frames. */
static void draw_next(struct buffer *b, uint32_t n)
{
	draw_columns(b, picture_bar_start(width, b->frame), width / 16, n);
	draw_columns(b, picture_bar_start(width, n), width / 16, n);
	if (width >= 160)
		draw_columns(b, 16, 128, n);
	b->frame = n;
}

static void create_buffers(void)
{
	for (uint32_t i = 0; i < buffer_count; i++) {
		struct buffer *b = &buffers[i];
		struct drm_mode_fb_cmd2 add = { .width = width, .height = height, .pixel_format = DRM_FORMAT_XRGB8888 };

		b->pixels = map_dumb(width, height, &b->handle, &b->pitch);
		add.handles[0] = b->handle;
		add.pitches[0] = b->pitch;
		CALL(DRM_IOCTL_MODE_ADDFB2, &add);
		b->fb = add.fb_id;
		draw_columns(b, 0, width, 0);
		b->frame = 0;
	}
}

static void wait_for_flip(void)
{
	char events[1024];
	struct pollfd ready = { .fd = card, .events = POLLIN };

	for (;;) {
		int n = poll(&ready, 1, FLIP_TIMEOUT_MS);
		ssize_t size;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail("no flip event within %d ms after frame %u", FLIP_TIMEOUT_MS, frame);
		size = read(card, events, sizeof events);
		if (size < 0)
			fail("reading events: %s", strerror(errno));
		for (ssize_t at = 0; at + (ssize_t)sizeof(struct drm_event) <= size;) {
			struct drm_event e;

			memcpy(&e, events + at, sizeof e);
			if (e.type == DRM_EVENT_FLIP_COMPLETE)
				return;
			if (e.length < sizeof e)
				fail("an event of %u bytes", e.length);
			at += e.length;
		}
	}
}

/*
 * A flip event of virtio-gpu means only that the commands are queued. A new cursor picture, however, is sent by a
 * fenced command on the same queue, and the kernel waits for that fence: when this returns, the device has completed
 * all earlier commands.
 */
static void wait_for_device(void)
{
	static uint32_t handle;
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE, .crtc_id = crtc, .x = 8, .y = 8,
		.width = CURSOR_SIZE, .height = CURSOR_SIZE,
	};

	if (handle == 0) {
		uint32_t pitch;
		uint32_t *pixels = map_dumb(CURSOR_SIZE, CURSOR_SIZE, &handle, &pitch);

		for (uint32_t y = 0; y < CURSOR_SIZE; y++)
			for (uint32_t x = 0; x < CURSOR_SIZE; x++)
				pixels[y * (pitch / 4) + x] = x <= y / 2 ? 0xFFFFFFFF : 0;
	}
	cursor.handle = handle;
	CALL(DRM_IOCTL_MODE_CURSOR2, &cursor);
	cursor.flags = DRM_MODE_CURSOR_BO;
	cursor.handle = 0;
	CALL(DRM_IOCTL_MODE_CURSOR2, &cursor);
}

static void flip(uint32_t count)
{
	uint64_t start = now_ms();

	for (uint32_t i = 0; i < count; i++) {
		uint32_t next = frame + 1;
		struct buffer *b = &buffers[next % buffer_count];
		struct drm_mode_crtc_page_flip request = { .crtc_id = crtc, .fb_id = b->fb, .flags = DRM_MODE_PAGE_FLIP_EVENT };

		draw_next(b, next);
		CALL(DRM_IOCTL_MODE_PAGE_FLIP, &request);
		wait_for_flip();
		frame = next;
	}
	wait_for_device();
	printf("SLUICE flips %u ms %llu\n", count, (unsigned long long)(now_ms() - start));
	printf("SLUICE done %u\n", frame);
}

/* Sets the screen's current preferred mode, on new buffers. */
static void take_screen(void)
{
	struct drm_mode_crtc set = { 0 };

	choose_screen();
	printf("SLUICE mode %u %u\n", width, height);
	create_buffers();
	frame = 0;
	set.crtc_id = crtc;
	set.fb_id = buffers[0].fb;
	set.set_connectors_ptr = (uintptr_t)&connector;
	set.count_connectors = 1;
	set.mode = mode;
	set.mode_valid = 1;
	CALL(DRM_IOCTL_MODE_SETCRTC, &set);
	printf("SLUICE shown %u\n", frame);
}

/* The old buffers are freed after the new ones are shown, to avoid a blank screen in between. */
static void take_screen_again(void)
{
	struct buffer old[MAX_BUFFERS];
	uint32_t old_height = height;

	memcpy(old, buffers, sizeof old);
	take_screen();
	for (uint32_t i = 0; i < buffer_count; i++) {
		struct drm_mode_destroy_dumb destroy = { .handle = old[i].handle };

		CALL(DRM_IOCTL_MODE_RMFB, &old[i].fb);
		munmap(old[i].pixels, (size_t)old[i].pitch * old_height);
		CALL(DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	}
	flip(0);
}

static uint32_t number(const char *text, uint32_t low, uint32_t high)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || (*end != 0 && *end != '\n') || value < low || value > high)
		fail("\"%s\" is not a number from %u to %u", text, low, high);
	return (uint32_t)value;
}

int main(int count, char **arguments)
{
	uint32_t frames = count > 1 ? number(arguments[1], 0, 60000) : 120;
	char name[64] = "";
	struct drm_version version = { .name = name, .name_len = sizeof name - 1 };
	char line[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count > 2)
		buffer_count = number(arguments[2], 2, MAX_BUFFERS);
	card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (card < 0)
		fail("/dev/dri/card0: %s", strerror(errno));
	CALL(DRM_IOCTL_VERSION, &version);
	printf("SLUICE card %s\n", name);
	take_screen();
	flip(frames);

	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strncmp(line, "flips ", 6) == 0)
			flip(number(line + 6, 1, 60000 - frame));
		else if (strncmp(line, "remode", 6) == 0)
			take_screen_again();
		else if (strncmp(line, "quit", 4) == 0)
			break;
	}
	printf("SLUICE leaving\n");
	return 0;
}
