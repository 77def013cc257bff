// SPDX-License-Identifier: Apache-2.0
/*
 * Shows frames of a video on the screen of virtio-gpu, one page flip each, as they come.
 *
 *   play WIDTH HEIGHT <FRAMES 3<COMMANDS
 *
 *   WIDTH HEIGHT   of a frame, even, in pixels
 *   FRAMES         planar 4:2:0 (YU12), limited range, one frame after the other until the end
 *   COMMANDS       the last frame stays until "quit" or the end
 *
 * A frame is enlarged by the largest whole number that fits, and is in the middle; around it is black. A pixel is that of ITU-R BT.601
 * in whole numbers:
 *
 *   c = 298 (Y - 16), d = U - 128, e = V - 128
 *   R = (c + 409 e + 128) >> 8, G = (c - 100 d - 208 e + 128) >> 8, B = (c + 516 d + 128) >> 8, each from 0 to 255
 *
 * with the chroma sample that the pixel lies in. It prints
 *
 *   SLUICE mode WIDTH HEIGHT        of the screen
 *   SLUICE played FRAMES ms MILLIS  when the device has shown the last
 *
 * and otherwise ends as buffers.h says.
 */
#define _GNU_SOURCE
#include <time.h>

#include "screen.h"

#define BUFFERS 2
#define COMMANDS 3
#define LARGEST 4096u

struct buffer {
	uint32_t *pixels;
	uint32_t handle, pitch, framebuffer;
};

static struct screen screen;
static struct buffer buffers[BUFFERS];
static uint32_t width, height, scale, left, top;

static uint32_t number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != 0 || value < 2 || value > LARGEST || value % 2 != 0)
		fail_because("\"%s\" is not an even number from 2 to %u", text, LARGEST);
	return (uint32_t)value;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Reads a frame; false at the end, which is between two frames. */
static bool read_frame(uint8_t *frame, size_t bytes)
{
	size_t have = 0;

	while (have < bytes) {
		ssize_t n = read(STDIN_FILENO, frame + have, bytes - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("reading frames");
		if (n == 0 && have > 0)
			fail_because("the frames end within one: %zu bytes of %zu", have, bytes);
		if (n == 0)
			return false;
		have += (size_t)n;
	}
	return true;
}

static uint32_t limited(int value)
{
	return value < 0 ? 0 : value > 255 ? 255 : (uint32_t)value;
}

static uint32_t pixel(int y, int u, int v)
{
	int c = 298 * (y - 16), d = u - 128, e = v - 128;

	return limited((c + 409 * e + 128) >> 8) << 16 | limited((c - 100 * d - 208 * e + 128) >> 8) << 8 |
	       limited((c + 516 * d + 128) >> 8);
}

static void draw(const uint8_t *frame, const struct buffer *to)
{
	const uint8_t *blue = frame + (size_t)width * height, *red = blue + (size_t)width * height / 4;

	for (uint32_t y = 0; y < height; y++) {
		uint32_t *line = to->pixels + (size_t)(top + y * scale) * (to->pitch / 4) + left;
		size_t chroma = (size_t)(y / 2) * (width / 2);

		for (uint32_t x = 0; x < width; x++) {
			uint32_t p = pixel(frame[(size_t)y * width + x], blue[chroma + x / 2], red[chroma + x / 2]);

			for (uint32_t i = 0; i < scale; i++)
				line[x * scale + i] = p;
		}
		for (uint32_t i = 1; i < scale; i++)
			memcpy(line + (size_t)i * (to->pitch / 4), line, (size_t)width * scale * 4);
	}
}

static void take_screen(void)
{
	screen.card = drm_card("virtio_gpu");
	if (screen.card < 0)
		skip("no card of the driver virtio_gpu: it needs CONFIG_DRM_VIRTIO_GPU");
	choose_screen(&screen);
	printf("SLUICE mode %u %u\n", screen.width, screen.height);
	if (width > screen.width || height > screen.height)
		fail_because("frames of %ux%u do not fit a screen of %ux%u", width, height, screen.width, screen.height);
	scale = screen.width / width < screen.height / height ? screen.width / width : screen.height / height;
	left = (screen.width - width * scale) / 2;
	top = (screen.height - height * scale) / 2;
	for (uint32_t i = 0; i < BUFFERS; i++) {
		struct buffer *b = &buffers[i];
		off_t offset;

		b->pixels = map_dumb(screen.card, screen.width, screen.height, &b->handle, &b->pitch, &offset);
		memset(b->pixels, 0, (size_t)b->pitch * screen.height);
		b->framebuffer = add_framebuffer(&screen, b->handle, b->pitch);
		if (b->framebuffer == 0)
			fail("DRM_IOCTL_MODE_ADDFB2");
	}
}

int main(int count, char **arguments)
{
	uint32_t shown = 0;
	uint64_t start = 0;
	uint8_t *frame;
	size_t bytes;
	char command[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count != 3) {
		fprintf(stderr, "usage: play WIDTH HEIGHT <FRAMES 3<COMMANDS\n");
		return 2;
	}
	width = number(arguments[1]);
	height = number(arguments[2]);
	bytes = (size_t)width * height * 3 / 2;
	frame = malloc(bytes);
	if (frame == NULL)
		fail("malloc");
	take_screen();
	for (; read_frame(frame, bytes); shown++) {
		const struct buffer *next = &buffers[shown % BUFFERS];

		if (shown == 0)
			start = now_ms();
		draw(frame, next);
		if (shown == 0)
			set_mode(&screen, next->framebuffer);
		else
			flip_to(&screen, next->framebuffer);
	}
	if (shown == 0)
		fail_because("there are no frames");
	wait_for_device(&screen);
	printf("SLUICE played %u ms %llu\n", shown, (unsigned long long)(now_ms() - start));
	/* One byte at a time: what follows is the shell's. */
	for (size_t have = 0; read(COMMANDS, command + have, 1) == 1;) {
		if (command[have] != '\n') {
			have += have < sizeof command - 1;
			continue;
		}
		if (have == 4 && memcmp(command, "quit", 4) == 0)
			break;
		have = 0;
	}
	free(frame);
	return 0;
}
