// SPDX-License-Identifier: Apache-2.0
/*
 * hostblob FRAMES: shows pictures in host memory of a virtio-gpu (VIRTGPU_BLOB_MEM_HOST3D): in a context of the GPU's own type it makes
 * blobs, maps them in the window, draws, and flips. A picture is numbered lines (numbered.h) with the frame's number from 1 on.
 *
 *   SLUICE zero yes|no            whether the memory of the new blobs was zero
 *   SLUICE shown N WIDTH HEIGHT   the device has completed every command for the frame N; a line on standard input lets the program go on
 */
#define _GNU_SOURCE
#include "context.h"
#include "numbered.h"
#include "screen.h"

#define BUFFERS 2
#define PIXEL 4

static struct screen screen;
static uint32_t pitch;
static size_t size;
static uint8_t *pictures[BUFFERS];
static uint32_t framebuffers[BUFFERS];

static void make_picture(int i)
{
	struct create_blob create = {
		.mem = MEM_HOST3D, .flags = FLAG_USE_MAPPABLE, .size = size, .blob_id = (uint64_t)i + 1,
	};
	struct drm_virtgpu_map map = { 0 };
	void *bytes;

	CALL(screen.card, CREATE_BLOB, &create);
	map.handle = create.handle;
	CALL(screen.card, DRM_IOCTL_VIRTGPU_MAP, &map);
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, screen.card, (off_t)map.offset);
	if (bytes == MAP_FAILED)
		fail("mmap of a host blob");
	pictures[i] = bytes;
	framebuffers[i] = add_framebuffer(&screen, create.handle, pitch);
	if (framebuffers[i] == 0)
		fail("DRM_IOCTL_MODE_ADDFB2");
}

static bool is_zero(const uint8_t *bytes)
{
	for (size_t at = 0; at < size; at += sizeof(uint64_t))
		if (*(const uint64_t *)(bytes + at) != 0)
			return false;
	return true;
}

static void draw(int i, uint32_t frame)
{
	struct contents contents = { .length = pitch, .count = screen.height };

	for (uint32_t at = 0; at < pitch * screen.height; at++)
		pictures[i][at] = expected(&contents, at, frame);
}

/* Whoever looks at the screen answers. */
static void told(uint32_t frame)
{
	char line[16];

	wait_for_device(&screen);
	printf("SLUICE shown %u %u %u\n", frame, screen.width, screen.height);
	if (fgets(line, sizeof line, stdin) == NULL)
		exit(1);
}

int main(int count, char **arguments)
{
	bool zero = true;
	uint32_t frames;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count != 2 || atoi(arguments[1]) < 1) {
		fprintf(stderr, "usage: hostblob FRAMES\n");
		return 2;
	}
	frames = (uint32_t)atoi(arguments[1]);
	screen.card = virtio_gpu(true);
	if (screen.card < 0)
		skip("no card of the driver virtio_gpu has blobs");
	choose_screen(&screen);
	pitch = screen.width * PIXEL;
	size = ((size_t)pitch * screen.height + PAGE - 1) / PAGE * PAGE;
	make_context(screen.card);
	for (int i = 0; i < BUFFERS; i++) {
		make_picture(i);
		zero = zero && is_zero(pictures[i]);
	}
	printf("SLUICE zero %s\n", zero ? "yes" : "no");
	draw(1, 1);
	set_mode(&screen, framebuffers[1]);
	told(1);
	for (uint32_t frame = 2; frame <= frames; frame++) {
		draw((int)(frame % BUFFERS), frame);
		flip_to(&screen, framebuffers[frame % BUFFERS]);
		told(frame);
	}
	return 0;
}
