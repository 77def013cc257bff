// SPDX-License-Identifier: Apache-2.0
/*
 * Shows the test picture (picture.h) from buffers of another exporter than the GPU's driver: they are imported by
 * PRIME, shown by setting the mode, and flipped. Needs a driver that imports foreign buffers, as virtio-gpu of Linux
 * 6.16 and later does where it has RESOURCE_BLOB and no VIRGL.
 *
 *   foreign KIND [FRAMES [untold]]  frames 0 .. FRAMES, 3 by default
 *
 *   scattered   pages of a memfd in an order that is none, as a udmabuf
 *   twice       a udmabuf whose second half is the pages of its first
 *   huge        a udmabuf of huge pages, from its second 4096 bytes on; reserves the pages
 *   heap        of the DMA heap "system"
 *   vgem        a dumb buffer of the vgem driver
 *
 * With "untold" it then draws one frame more into what is shown, and does not tell the kernel (DRM_IOCTL_MODE_DIRTYFB): a mistake.
 *
 * Then it holds the screen until "quit" or the end of its input. It prints, as pattern does, SLUICE mode WIDTH HEIGHT, SLUICE done
 * FRAME when the device has completed every command for it, and otherwise ends as buffers.h says.
 */
#define _GNU_SOURCE
#include <poll.h>

#include <drm_fourcc.h>

#include "buffers.h"
#include "picture.h"

#define HUGE_PAGE (2u << 20)
#define BUFFERS 2
#define CURSOR_SIZE 64

static int card;
static uint32_t crtc, connector, width, height;
static struct drm_mode_modeinfo mode;
static struct { int fd; uint32_t fb; uint32_t *pixels; } buffers[BUFFERS];

static int check(int result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

static size_t size(void)
{
	size_t bytes = (size_t)width * height * 4;

	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Page i of the buffer is page order(i) of the memfd. */
static int udmabuf_of(uint32_t count, uint32_t (*order)(uint32_t page, uint32_t count))
{
	uint32_t *pages = calloc(count, sizeof *pages);
	int memory = sealed_memory((size_t)count * PAGE, 0), fd;

	if (pages == NULL)
		fail("calloc");
	for (uint32_t i = 0; i < count; i++)
		pages[i] = order(i, count);
	fd = listed_udmabuf(memory, pages, count);
	free(pages);
	close(memory);
	return fd;
}

/* From both ends in turn: no two neighbours of the buffer are neighbours of the memfd, but for those in the middle. */
static uint32_t from_both_ends(uint32_t page, uint32_t count)
{
	return page % 2 ? count - 1 - page / 2 : page / 2;
}

static uint32_t first_half(uint32_t page, uint32_t count)
{
	return page % (count / 2);
}

static int udmabuf_of_huge_pages(void)
{
	size_t bytes = (size() + PAGE + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	struct udmabuf_create create = { .offset = PAGE, .size = size(), .flags = UDMABUF_FLAGS_CLOEXEC };
	int reserve = check(open("/proc/sys/vm/nr_hugepages", O_WRONLY), "nr_hugepages");
	int maker = open_or_fail("/dev/udmabuf"), memory;

	dprintf(reserve, "%u\n", (unsigned int)(BUFFERS * bytes / HUGE_PAGE));
	close(reserve);
	memory = sealed_memory(bytes, MFD_HUGETLB);
	create.memfd = (uint32_t)memory;
	return check(ioctl(maker, UDMABUF_CREATE, &create), "UDMABUF_CREATE");
}

static int make(const char *kind)
{
	if (strcmp(kind, "scattered") == 0)
		return udmabuf_of((uint32_t)(size() / PAGE), from_both_ends);
	if (strcmp(kind, "twice") == 0)
		return udmabuf_of((uint32_t)(size() / PAGE), first_half);
	if (strcmp(kind, "huge") == 0)
		return udmabuf_of_huge_pages();
	if (strcmp(kind, "heap") == 0)
		return heap_buffer(size());
	if (strcmp(kind, "vgem") == 0)
		return dumb_buffer("vgem", "CONFIG_DRM_VGEM", size());
	errno = EINVAL;
	fail(kind);
}

static void choose_screen(void)
{
	uint32_t crtcs[8], connectors[8];
	static struct drm_mode_modeinfo modes[64];
	struct drm_mode_card_res resources = {
		.crtc_id_ptr = (uintptr_t)crtcs, .count_crtcs = 8,
		.connector_id_ptr = (uintptr_t)connectors, .count_connectors = 8,
	};
	struct drm_mode_get_connector found = { 0 };

	CALL(card, DRM_IOCTL_MODE_GETRESOURCES, &resources);
	found.connector_id = connectors[0];
	CALL(card, DRM_IOCTL_MODE_GETCONNECTOR, &found);
	if (found.connection != 1 || found.count_modes == 0 || found.count_modes > 64)
		fail("the first connector");
	found = (struct drm_mode_get_connector) {
		.connector_id = connectors[0], .modes_ptr = (uintptr_t)modes, .count_modes = found.count_modes,
	};
	CALL(card, DRM_IOCTL_MODE_GETCONNECTOR, &found);
	mode = modes[0];
	for (uint32_t i = 0; i < found.count_modes; i++)
		if (modes[i].type & DRM_MODE_TYPE_PREFERRED)
			mode = modes[i];
	crtc = crtcs[0];
	connector = connectors[0];
	width = mode.hdisplay;
	height = mode.vdisplay;
}

static void import(int i, const char *kind)
{
	struct drm_mode_fb_cmd2 add = { .width = width, .height = height, .pixel_format = DRM_FORMAT_XRGB8888 };
	struct drm_prime_handle prime = { .fd = make(kind) };

	buffers[i].fd = prime.fd;
	buffers[i].pixels = mmap(NULL, size(), PROT_READ | PROT_WRITE, MAP_SHARED, prime.fd, 0);
	if (buffers[i].pixels == MAP_FAILED)
		fail("mmap of the buffer");
	CALL(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	add.handles[0] = prime.handle;
	add.pitches[0] = width * 4;
	CALL(card, DRM_IOCTL_MODE_ADDFB2, &add);
	buffers[i].fb = add.fb_id;
}

static void draw(int i, uint32_t frame)
{
	sync_cpu(buffers[i].fd, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			buffers[i].pixels[(size_t)y * width + x] = picture_pixel(x, y, width, height, frame);
	sync_cpu(buffers[i].fd, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
}

static void flip(int i)
{
	struct drm_mode_crtc_page_flip request = { .crtc_id = crtc, .fb_id = buffers[i].fb, .flags = DRM_MODE_PAGE_FLIP_EVENT };
	struct pollfd ready = { .fd = card, .events = POLLIN };
	char events[1024];

	CALL(card, DRM_IOCTL_MODE_PAGE_FLIP, &request);
	if (poll(&ready, 1, 20000) != 1)
		fail("no flip event");
	if (read(card, events, sizeof events) <= 0)
		fail("reading events");
}

/* A new cursor is sent by a fenced command that the kernel waits for: then the device has done all that came before (pattern.c). */
static void wait_for_device(void)
{
	struct drm_mode_create_dumb create = { .width = CURSOR_SIZE, .height = CURSOR_SIZE, .bpp = 32 };
	struct drm_mode_cursor2 cursor = {
		.flags = DRM_MODE_CURSOR_BO, .crtc_id = crtc, .width = CURSOR_SIZE, .height = CURSOR_SIZE,
	};

	CALL(card, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	cursor.handle = create.handle;
	CALL(card, DRM_IOCTL_MODE_CURSOR2, &cursor);
	cursor.handle = 0;
	CALL(card, DRM_IOCTL_MODE_CURSOR2, &cursor);
}

int main(int count, char **arguments)
{
	uint32_t frames = count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 10) : 3;
	struct drm_mode_crtc set = { 0 };
	char line[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count < 2) {
		fprintf(stderr, "usage: foreign scattered|twice|huge|heap|vgem [FRAMES [untold]]\n");
		return 2;
	}
	card = check(open("/dev/dri/card0", O_RDWR | O_CLOEXEC), "/dev/dri/card0");
	choose_screen();
	printf("SLUICE mode %u %u\n", width, height);
	for (int i = 0; i < BUFFERS; i++)
		import(i, arguments[1]);
	draw(0, 0);
	set.crtc_id = crtc;
	set.fb_id = buffers[0].fb;
	set.set_connectors_ptr = (uintptr_t)&connector;
	set.count_connectors = 1;
	set.mode = mode;
	set.mode_valid = 1;
	CALL(card, DRM_IOCTL_MODE_SETCRTC, &set);
	for (uint32_t frame = 1; frame <= frames; frame++) {
		draw((int)(frame % BUFFERS), frame);
		flip((int)(frame % BUFFERS));
	}
	if (count > 3 && strcmp(arguments[3], "untold") == 0) {
		draw((int)(frames % BUFFERS), frames + 1);
		frames++;
	}
	wait_for_device();
	printf("SLUICE done %u\n", frames);
	while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0)
		;
	return 0;
}
