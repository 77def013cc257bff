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
#define _GNU_SOURCE
#include <time.h>

#include "picture.h"
#include "screen.h"

#define MAX_BUFFERS 8

struct buffer {
	uint32_t handle, fb, pitch;
	uint32_t frame;		/* the frame that is drawn in it */
	uint32_t *pixels;
};

static struct screen screen;
static struct buffer buffers[MAX_BUFFERS];
static uint32_t buffer_count = 2;
static uint32_t frame;		/* the frame on the screen */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void draw_columns(struct buffer *b, uint32_t first, uint32_t count, uint32_t n)
{
	const uint32_t width = screen.width, height = screen.height;

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
	draw_columns(b, picture_bar_start(screen.width, b->frame), screen.width / 16, n);
	draw_columns(b, picture_bar_start(screen.width, n), screen.width / 16, n);
	if (screen.width >= 160)
		draw_columns(b, 16, 128, n);
	b->frame = n;
}

static void create_buffers(void)
{
	for (uint32_t i = 0; i < buffer_count; i++) {
		struct buffer *b = &buffers[i];
		off_t offset;

		b->pixels = map_dumb(screen.card, screen.width, screen.height, &b->handle, &b->pitch, &offset);
		b->fb = add_framebuffer(&screen, b->handle, b->pitch);
		if (b->fb == 0)
			fail("DRM_IOCTL_MODE_ADDFB2");
		draw_columns(b, 0, screen.width, 0);
		b->frame = 0;
	}
}

static void flip(uint32_t count)
{
	uint64_t start = now_ms();

	for (uint32_t i = 0; i < count; i++) {
		uint32_t next = frame + 1;
		struct buffer *b = &buffers[next % buffer_count];

		draw_next(b, next);
		flip_to(&screen, b->fb);
		frame = next;
	}
	wait_for_device(&screen);
	printf("SLUICE flips %u ms %llu\n", count, (unsigned long long)(now_ms() - start));
	printf("SLUICE done %u\n", frame);
}

/* Sets the screen's current preferred mode, on new buffers. */
static void take_screen(void)
{
	choose_screen(&screen);
	printf("SLUICE mode %u %u\n", screen.width, screen.height);
	create_buffers();
	frame = 0;
	set_mode(&screen, buffers[0].fb);
	printf("SLUICE shown %u\n", frame);
}

/* The old buffers are freed after the new ones are shown, to avoid a blank screen in between. */
static void take_screen_again(void)
{
	struct buffer old[MAX_BUFFERS];
	uint32_t old_height = screen.height;

	memcpy(old, buffers, sizeof old);
	take_screen();
	for (uint32_t i = 0; i < buffer_count; i++) {
		struct drm_mode_destroy_dumb destroy = { .handle = old[i].handle };

		CALL(screen.card, DRM_IOCTL_MODE_RMFB, &old[i].fb);
		munmap(old[i].pixels, (size_t)old[i].pitch * old_height);
		CALL(screen.card, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	}
	flip(0);
}

static uint32_t number(const char *text, uint32_t low, uint32_t high)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || (*end != 0 && *end != '\n') || value < low || value > high)
		fail_because("\"%s\" is not a number from %u to %u", text, low, high);
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
	screen.card = open_or_fail("/dev/dri/card0");
	CALL(screen.card, DRM_IOCTL_VERSION, &version);
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
