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
 * FRAME when the device has completed every command for it, and SLUICE error TEXT with exit 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>

#include "picture.h"

#define PAGE 4096
#define HUGE_PAGE (2u << 20)
#define BUFFERS 2
#define CURSOR_SIZE 64

static int card;
static uint32_t crtc, connector, width, height;
static struct drm_mode_modeinfo mode;
static struct { int fd; uint32_t fb; uint32_t *pixels; } buffers[BUFFERS];

static void fail(const char *what)
{
	printf("SLUICE error %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

#define CALL(fd, request, argument) check(ioctl(fd, request, argument), #request)

static uint64_t size(void)
{
	uint64_t bytes = (uint64_t)width * height * 4;

	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* A sealed memfd of the given size, as required by udmabuf. */
static int sealed(uint64_t bytes, unsigned int flags)
{
	int fd = check(memfd_create("foreign", MFD_ALLOW_SEALING | flags), "memfd_create");

	check(ftruncate(fd, (off_t)bytes), "ftruncate");
	check(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), "F_ADD_SEALS");
	return fd;
}

/* Page i of the buffer is page order(i) of the memfd. */
static int udmabuf_of(uint64_t pages, uint64_t (*order)(uint64_t page, uint64_t pages))
{
	int maker = check(open("/dev/udmabuf", O_RDWR), "/dev/udmabuf"), memory = sealed(pages * PAGE, 0), fd;
	struct udmabuf_create_list *list = calloc(1, sizeof *list + pages * sizeof list->list[0]);

	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = (uint32_t)pages;
	for (uint64_t i = 0; i < pages; i++)
		list->list[i] = (struct udmabuf_create_item) {
			.memfd = (uint32_t)memory, .offset = order(i, pages) * PAGE, .size = PAGE,
		};
	fd = CALL(maker, UDMABUF_CREATE_LIST, list);
	free(list);
	close(memory);
	close(maker);
	return fd;
}

/* From both ends in turn: no two neighbours of the buffer are neighbours of the memfd, but for those in the middle. */
static uint64_t from_both_ends(uint64_t page, uint64_t pages)
{
	return page % 2 ? pages - 1 - page / 2 : page / 2;
}

static uint64_t first_half(uint64_t page, uint64_t pages)
{
	return page % (pages / 2);
}

static int udmabuf_of_huge_pages(void)
{
	uint64_t bytes = (size() + PAGE + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	struct udmabuf_create create = { .offset = PAGE, .size = size(), .flags = UDMABUF_FLAGS_CLOEXEC };
	int reserve = check(open("/proc/sys/vm/nr_hugepages", O_WRONLY), "nr_hugepages");
	int maker = check(open("/dev/udmabuf", O_RDWR), "/dev/udmabuf"), memory;

	dprintf(reserve, "%u\n", (unsigned int)(BUFFERS * bytes / HUGE_PAGE));
	close(reserve);
	memory = sealed(bytes, MFD_HUGETLB);
	create.memfd = (uint32_t)memory;
	return CALL(maker, UDMABUF_CREATE, &create);
}

static int heap_buffer(void)
{
	int heap = check(open("/dev/dma_heap/system", O_RDWR), "/dev/dma_heap/system");
	struct dma_heap_allocation_data allocation = { .len = size(), .fd_flags = O_RDWR | O_CLOEXEC };

	CALL(heap, DMA_HEAP_IOCTL_ALLOC, &allocation);
	close(heap);
	return (int)allocation.fd;
}

static int vgem_buffer(void)
{
	char name[64] = "";
	struct drm_version version = { .name = name, .name_len = sizeof name - 1 };
	struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = 32 };
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int vgem = check(open("/dev/dri/card1", O_RDWR), "/dev/dri/card1");

	CALL(vgem, DRM_IOCTL_VERSION, &version);
	if (strcmp(name, "vgem") != 0)
		fail("card1 is not vgem");
	CALL(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	prime.handle = create.handle;
	CALL(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	close(vgem);
	return prime.fd;
}

static int make(const char *kind)
{
	if (strcmp(kind, "scattered") == 0)
		return udmabuf_of(size() / PAGE, from_both_ends);
	if (strcmp(kind, "twice") == 0)
		return udmabuf_of(size() / PAGE, first_half);
	if (strcmp(kind, "huge") == 0)
		return udmabuf_of_huge_pages();
	if (strcmp(kind, "heap") == 0)
		return heap_buffer();
	if (strcmp(kind, "vgem") == 0)
		return vgem_buffer();
	errno = EINVAL;
	fail(kind);
	return -1;
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
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE };

	CALL(buffers[i].fd, DMA_BUF_IOCTL_SYNC, &sync);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			buffers[i].pixels[(size_t)y * width + x] = picture_pixel(x, y, width, height, frame);
	sync.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE;
	CALL(buffers[i].fd, DMA_BUF_IOCTL_SYNC, &sync);
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
