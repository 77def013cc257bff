// SPDX-License-Identifier: Apache-2.0
/*
 * flips COUNT: shows two framebuffers in turns by page flips, each of which is waited for; nothing is drawn between. Each is a dumb buffer,
 * which is a blob where the GPU has them. Kernels that pace flips by a timer (Linux 7) take its rate from the mode: it is the screen's
 * preferred one, but for its rate of 4000 Hz, so that what is measured is the GPU and not the timer.
 *
 *   SLUICE flips COUNT WIDTH HEIGHT us MICROSECONDS   the device has completed every command for the last one
 *   SLUICE error TEXT                                 and exit 1
 */
#define _GNU_SOURCE
#include <time.h>

#include "screen.h"

#define BUFFERS 2
#define RATE_HZ 4000

static struct screen screen;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int main(int count, char **arguments)
{
	long frames = count == 2 ? strtol(arguments[1], NULL, 10) : 0;
	uint32_t framebuffers[BUFFERS];
	uint64_t start;

	if (frames < 1 || frames > 1000000) {
		fprintf(stderr, "usage: flips COUNT, from 1 to 1000000\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	screen.card = open_or_fail("/dev/dri/card0");
	choose_screen(&screen);
	screen.mode.clock = (uint32_t)((uint64_t)screen.mode.htotal * screen.mode.vtotal * RATE_HZ / 1000); /* kHz */
	screen.mode.vrefresh = RATE_HZ;
	for (int i = 0; i < BUFFERS; i++) {
		uint32_t handle, pitch;
		off_t offset;
		uint32_t *pixels = map_dumb(screen.card, screen.width, screen.height, &handle, &pitch, &offset);

		memset(pixels, i == 0 ? 0x30 : 0xc0, (size_t)pitch * screen.height);
		framebuffers[i] = add_framebuffer(&screen, handle, pitch);
		if (framebuffers[i] == 0)
			fail("DRM_IOCTL_MODE_ADDFB2");
	}
	set_mode(&screen, framebuffers[0]);

	start = now_us();
	for (long i = 1; i <= frames; i++)
		flip_to(&screen, framebuffers[i % BUFFERS]);
	wait_for_device(&screen);
	printf("SLUICE flips %ld %u %u us %llu\n", frames, screen.width, screen.height, (unsigned long long)(now_us() - start));
	return 0;
}
